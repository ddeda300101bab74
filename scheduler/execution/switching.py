"""Performing a task as another user: what becomes theirs before the fork, and becoming them after it; chooses nobody."""

import os
import signal
from collections.abc import Sequence

from scheduler.execution import kernel
from scheduler.execution.protocol import Spec

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def hand_over(spec: Spec) -> None:
    """Give the workspace to the task's user, with the task's files in a folder of their own: the attempt's stays ours.

    Nothing is followed and nothing that lies there is used: an earlier attempt may have left a trap.
    """
    uid, gid, *_ = spec.user
    os.chown(spec.workspace, uid, gid, follow_symlinks=False)
    if not spec.files:
        return
    os.mkdir(spec.place, 0o700)
    folder = os.open(spec.place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name, text in spec.files.items():
            with open(os.open(os.path.basename(name), _CREATE, 0o700, dir_fd=folder), "w") as file:
                file.write(text)
                os.fchown(file.fileno(), uid, gid)
        os.fchown(folder, uid, gid)
    finally:
        os.close(folder)


def become(user: Sequence[int], parent: int) -> None:
    """Be that user for good, in the child, and still die with the supervisor: the kernel forgets that with the change."""
    uid, gid, *groups = user
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    kernel.control(kernel.PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
