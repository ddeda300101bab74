"""The user of this machine a task runs as: whether we may switch, whether there is such a user; the switching is execution's."""

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from scheduler.errors import N_, Invalid

# CHOWN, DAC_OVERRIDE, KILL, SETGID, SETUID: to give a workspace away, clean it up, stop what runs there, and become somebody.
NEEDED = 1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7
FIELD = "run_as"


@dataclass(frozen=True)
class Identity:
    """A user as the kernel knows them: `numbers` are the uid, the gid, and the further groups."""

    name: str
    home: str
    numbers: tuple[int, ...]


def of(name: str) -> Identity:
    """Who that is; `Invalid` when there is no such user, or when this server may not become anybody else."""
    try:
        known = pwd.getpwnam(name)
    except (KeyError, ValueError) as error:
        raise Invalid.because(N_("There is no user “%(name)s” on this machine."), field=FIELD, name=name[:60]) from error
    if known.pw_uid != os.geteuid() and not may_switch():
        text = N_("The scheduler may not run tasks as other users: for that it must run as root, or be given the capabilities.")
        raise Invalid.because(text, field=FIELD)
    groups = os.getgrouplist(known.pw_name, known.pw_gid)
    return Identity(known.pw_name, known.pw_dir, (known.pw_uid, known.pw_gid, *sorted(set(groups) - {known.pw_gid})))


def may_switch() -> bool:
    """Whether programs we start may become another user."""
    if os.geteuid() == 0:
        return True
    # Only what is in the ambient set reaches the runner, which is another program.
    found = re.search(r"^CapAmb:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return found is not None and int(found[1], 16) & NEEDED == NEEDED


def open_way(instance: Path) -> None:
    """Let other users through to their workspaces, and to nothing else: what lies beside those is closed to them first."""
    spaces = instance / "workspaces"
    spaces.mkdir(mode=0o711, parents=True, exist_ok=True)
    if all(folder.stat().st_mode & 0o001 for folder in (instance, spaces)):
        return
    for entry in instance.iterdir():
        if entry != spaces and not entry.is_symlink():
            entry.chmod(entry.stat().st_mode & 0o700)
    for folder in (spaces, instance):
        folder.chmod(folder.stat().st_mode & 0o700 | 0o011)
