"""The page of guarantees: each promise names its tests, and each test it names is there."""

import ast
import re
from functools import cache

import pytest

from tests.test_architecture import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def standing_in(path: str) -> frozenset[str]:
    """The tests that run there; one that is skipped or expected to fail whatever happens proves nothing."""
    tree = ast.parse((ROOT / path).read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return frozenset(
        one.name for one in functions if not re.search(r"mark\.(skip\b|xfail)", str(list(map(ast.unparse, one.decorator_list))))
    )


@pytest.mark.parametrize(("path", "name"), sorted(set(PROOF.findall(PAGE))))
def test_what_it_names_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file() and name in standing_in(path)


def test_every_promise_has_its_proof() -> None:
    kept = PAGE.partition("## What we do not promise")[0]
    promises = re.split(r"^- ", kept, flags=re.MULTILINE)[1:]
    assert len(promises) > 15
    assert [promise for promise in promises if not PROOF.search(promise)] == []


def test_others_lead_to_it() -> None:
    assert "docs/guarantees.md" in (ROOT / "README.md").read_text()
