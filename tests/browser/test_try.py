import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serious

pytestmark = pytest.mark.browser


def test_a(visit, make_task):
    t = make_task("backup")
    page = visit("oscar")
    page.goto("/tasks")
    print(serious(page))
    expect(page.get_by_role("row").filter(has_text=t.name)).to_be_visible()


def test_b(visit, make_task):
    t = make_task("backup")
    page = visit("oscar", locale="zh-CN")
    page.goto(t.path)
    print(serious(page))
    assert "任务" in page.content()
