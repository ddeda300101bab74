"""Where APScheduler keeps the jobs, in memory and by their next time; what a job is and when it fires, `timetable` says."""

from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import count

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError

Entry = tuple[datetime, int, Job]  # when, a number that no other has, what

MOST_STALE = 1000  # entries that no longer hold, before they are cleared away


class Agenda(BaseJobStore):  # type: ignore[misc]
    """A job store of the memory's: to move a job costs a place in a heap, not in a list of ten thousand (MemoryJobStore).

    An entry holds while it is the one its job has; one that was replaced is left where it lies and passed over.
    """

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, Entry] = {}
        self._paused: dict[str, Job] = {}
        self._heap: list[Entry] = []
        self._taken: list[Entry] = []  # answered as due; whose jobs nobody has moved since they are so still
        self._numbers = count()

    def lookup_job(self, job_id: str) -> Job | None:
        entry = self._entries.get(job_id)
        return entry[2] if entry else self._paused.get(job_id)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Those whose time has come, the earliest first."""
        self._put_back()
        while self._heap and self._heap[0][0] <= now:
            entry = heappop(self._heap)
            if self._holds(entry):
                self._taken.append(entry)
        return [job for _, _, job in self._taken]

    def get_next_run_time(self) -> datetime | None:
        self._put_back()
        while self._heap and not self._holds(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def get_all_jobs(self) -> list[Job]:
        """All of them, the earliest first, those without a time last."""
        return [job for _, _, job in sorted(self._entries.values())] + list(self._paused.values())

    def add_job(self, job: Job) -> None:
        if self.lookup_job(job.id) is not None:
            raise ConflictingIdError(job.id)
        self._place(job)

    def update_job(self, job: Job) -> None:
        if self.lookup_job(job.id) is None:
            raise JobLookupError(job.id)
        self._place(job)

    def remove_job(self, job_id: str) -> None:
        if self._entries.pop(job_id, None) is None and self._paused.pop(job_id, None) is None:
            raise JobLookupError(job_id)

    def remove_all_jobs(self) -> None:
        for kept in (self._entries, self._paused, self._heap, self._taken):
            kept.clear()

    def _place(self, job: Job) -> None:
        time = job.next_run_time
        if time is None:
            self._entries.pop(job.id, None)
            self._paused[job.id] = job
            return
        if self._paused:
            self._paused.pop(job.id, None)
        entry = self._entries[job.id] = (time, next(self._numbers), job)
        heappush(self._heap, entry)
        if len(self._heap) > len(self._entries) + MOST_STALE:
            self._heap = [entry for entry in self._heap if self._holds(entry)]
            heapify(self._heap)

    def _holds(self, entry: Entry) -> bool:
        return self._entries.get(entry[2].id) is entry

    def _put_back(self) -> None:
        for entry in self._taken:
            if self._holds(entry):
                heappush(self._heap, entry)
        self._taken = []
