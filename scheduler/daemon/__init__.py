"""The loops: the clock enqueues (`timetable`), the worker executes (`dispatcher`); one process leads, the others wait."""
