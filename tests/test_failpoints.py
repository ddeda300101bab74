"""The failpoints themselves: a closed set, each with its place, armed by one variable and by no setting."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scheduler import config, failpoints
from tests.test_architecture import ROOT, SOURCES


def test_every_name_has_its_place_and_every_place_its_name() -> None:
    placed = [name for path in SOURCES for name in re.findall(r'^ +failpoint\("(\w+)"\)$', path.read_text(), re.MULTILINE)]
    assert set(placed) == failpoints.NAMES


def test_it_does_nothing_unless_it_is_armed() -> None:
    assert failpoints.failpoint is failpoints._unarmed


def test_it_acts_at_the_passing_it_was_told_and_at_no_other() -> None:
    failpoint = failpoints.parse("spec_built:error@3")
    for _ in range(2):
        failpoint("spec_built")
        failpoint("claim_after_commit")
    with pytest.raises(OSError, match="a failpoint"):
        failpoint("spec_built")
    failpoint("spec_built")


@pytest.mark.parametrize("text", ["lunch:kill", "spec_built", "spec_built:dance", "spec_built:kill@0", "a:b@c"])
def test_it_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises(ValueError, match=r"failpoint|passing"):
        failpoints.parse(text)


def test_it_is_no_setting(tmp_path: Path) -> None:
    settings = config.load(tmp_path, {failpoints.VARIABLE: "spec_built:kill"})
    assert settings == config.load(tmp_path, {})


@pytest.mark.slow
def test_it_kills_and_says_where() -> None:
    code = 'from scheduler.failpoints import failpoint; failpoint("spec_built"); print("alive")'
    environ = os.environ | {failpoints.VARIABLE: "spec_built:kill"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (-9, "", "event=failpoint name=spec_built action=kill\n")
