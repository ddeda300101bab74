"""The whole matrix of roles and actions, grants, limits and private things; no request and no database."""

from dataclasses import dataclass

import pytest

from scheduler.accounts.permissions import ACTIONS, NOBODY, ROLES, SYSTEM, Actor, can, require, visible
from scheduler.errors import Forbidden, NotFound

ME, SOMEBODY = 7, 8
HERE, ELSEWHERE = 1, 2


@dataclass
class Thing:
    group_id: int = HERE
    owner_id: int | None = SOMEBODY
    private: bool = False


def actor(role: str, limited: bool = False, **grants: str) -> Actor:
    return Actor(ME, "me", role, limited, {int(name.removeprefix("g")): role for name, role in grants.items()})


#                     viewer operator editor administrator
MATRIX = {
    "task.see":         (True, True, True, True),
    "log.read":         (True, True, True, True),
    "task.run":         (False, True, True, True),
    "task.stop":        (False, True, True, True),
    "task.enable":      (False, True, True, True),
    "task.create":      (False, False, True, True),
    "task.edit":        (False, False, True, True),
    "task.delete":      (False, False, True, True),
    "env.see":          (False, False, True, True),
    "secret.use":       (False, False, True, True),
    "self.edit":        (True, True, True, True),
    "schedule.preview": (True, True, True, True),
    "audit.see":        (True, True, True, True),
    "metrics.see":      (False, True, True, True),
    "pause.all":        (False, False, False, True),
    "run_as.choose":    (False, False, False, True),
    "group.manage":     (False, False, False, True),
    "secret.manage":    (False, False, False, True),
    "user.manage":      (False, False, False, True),
    "settings.manage":  (False, False, False, True),
}  # fmt: skip
CELLS = [(action, role, row[ROLES.index(role)]) for action, row in MATRIX.items() for role in ROLES]


@pytest.mark.parametrize(("action", "role", "yes"), CELLS)
def test_it_follows_the_matrix_on_what_is_somebody_elses(action: str, role: str, yes: bool) -> None:
    assert can(actor(role), action, Thing()) is yes
    assert can(actor(role), action) is yes


def test_it_has_a_line_for_every_action() -> None:
    assert set(MATRIX) == set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_it_lets_nobody_do_nothing_and_the_system_everything(action: str) -> None:
    assert not can(NOBODY, action) and not can(NOBODY, action, Thing())
    assert can(SYSTEM, action) and can(SYSTEM, action, Thing(private=True))


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.startswith(("task.", "log.", "env."))])
def test_it_keeps_a_private_task_to_its_owner_and_administrators(action: str) -> None:
    assert not can(actor("editor"), action, Thing(private=True))
    assert can(actor("editor"), action, Thing(private=True, owner_id=ME))
    assert can(actor("administrator"), action, Thing(private=True))


def test_it_gives_an_owner_no_more_than_the_role_allows() -> None:
    mine = Thing(private=True, owner_id=ME)
    assert can(actor("viewer"), "task.see", mine) and not can(actor("viewer"), "task.edit", mine)


@pytest.mark.parametrize("granted", ROLES[:3])
def test_it_lets_a_grant_raise_the_role_in_its_group_only(granted: str) -> None:
    somebody = actor("viewer", g1=granted)
    assert can(somebody, "task.run", Thing()) is (granted != "viewer")
    assert can(somebody, "task.edit", Thing()) is (granted == "editor")
    assert not can(somebody, "task.run", Thing(group_id=ELSEWHERE))


def test_it_lets_no_grant_lower_a_role() -> None:
    assert can(actor("editor", g1="viewer"), "task.edit", Thing())


def test_it_shows_a_limited_user_nothing_outside_of_granted_groups() -> None:
    somebody = actor("editor", limited=True, g1="viewer")
    assert can(somebody, "task.edit", Thing())
    assert not can(somebody, "task.see", Thing(group_id=ELSEWHERE))
    assert not can(somebody, "task.see", Thing(group_id=ELSEWHERE, owner_id=ME))


def test_it_gives_a_limited_user_without_grants_no_place_to_work_in() -> None:
    somebody = actor("editor", limited=True)
    assert can(somebody, "task.see") and not can(somebody, "task.create")
    assert not can(somebody, "metrics.see") and can(somebody, "self.edit")


def test_it_counts_the_best_grant_when_no_thing_is_named() -> None:
    assert can(actor("viewer", g2="editor"), "task.create")
    assert not can(actor("viewer", g2="operator"), "task.create")


def test_it_makes_nobody_an_administrator_by_grant() -> None:
    somebody = actor("viewer", g1="administrator")
    assert can(somebody, "task.edit", Thing())
    assert not can(somebody, "task.see", Thing(private=True)) and not can(somebody, "user.manage")


def test_it_says_not_found_of_what_may_not_be_seen_and_forbidden_of_what_may() -> None:
    with pytest.raises(NotFound):
        require(actor("editor", limited=True), "task.edit", Thing())
    with pytest.raises(Forbidden):
        require(actor("viewer"), "task.edit", Thing())
    with pytest.raises(Forbidden):
        require(actor("viewer"), "user.manage")


THINGS = [Thing(group, owner, private) for group in (1, 2) for owner in (ME, SOMEBODY, None) for private in (True, False)]
ACTORS = [actor(role, limited, **grants) for role in ROLES for limited in (True, False) for grants in ({}, {"g1": "viewer"})]


@pytest.mark.parametrize("somebody", [NOBODY, SYSTEM, *ACTORS], ids=str)
@pytest.mark.parametrize("thing", THINGS, ids=str)
def test_it_filters_as_it_judges(somebody: Actor, thing: Thing) -> None:
    scope = visible(somebody)
    in_group = scope.all_groups or thing.group_id in scope.group_ids
    mine = scope.owner_id is not None and thing.owner_id == scope.owner_id
    assert (scope.everything or (in_group and (mine or not thing.private))) is can(somebody, "task.see", thing)
