"""How everything has gone, by group and by day; and the words on tasks."""

from tests.api.conftest import end


def test_it_counts_in_all_by_group_and_by_day(app, ada_calls):
    ada_calls.post("/groups", {"name": "reports"})
    ada_calls.make()
    ada_calls.make(name="Monthly", group="reports", is_active=False)
    for number, (task, code) in enumerate([(1, 0), (1, 0), (2, 2)], 1):
        ada_calls.run(task)
        end(app, number, code, 3)
    found = ada_calls.data("/stats")
    assert (found["task_count"], found["enabled_count"], found["success_count"], found["failed_count"]) == (2, 1, 2, 1)
    assert found["success_rate"] == 0.6667 and found["average_duration"] == 3
    assert [(one["key"], one["total_executions"]) for one in found["by_group"]] == [("default", 2), ("reports", 1)]
    assert found["execution_trends"]["daily_counts"] == [{"date": "2026-03-02", "success": 2, "failed": 1}]


def test_it_counts_only_what_one_may_see(app, ada_calls, program):
    ada_calls.make(tags=["night"])
    ada_calls.run()
    end(app, 1)
    found = program("mallory").data("/stats")
    assert (found["task_count"], found["by_group"], found["execution_trends"]["daily_counts"]) == (0, [], [])
    assert program("mallory").data("/tags") == []


def test_it_goes_back_as_many_days_as_asked(app, ada_calls, program, clock):
    ada_calls.make()
    ada_calls.run()
    end(app, 1)
    clock.move(days=8)
    later = program("ada")
    counted = [later.data(f"/stats{query}")["execution_trends"]["daily_counts"] for query in ("", "?days=8", "?days=9")]
    assert [len(days) for days in counted] == [0, 0, 1] and later.get("/stats?days=91").status_code == 400


def test_it_lists_words_with_how_many_tasks_have_them(ada_calls):
    ada_calls.make(tags=["night", "db"])
    ada_calls.make(name="Second", tags=["night"])
    assert ada_calls.data("/tags") == [{"name": "db", "task_count": 1}, {"name": "night", "task_count": 2}]
