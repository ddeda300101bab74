"""Starting a task's program: spawned, or forked when something must be set between fork and exec; watches nothing."""

import errno
import json
import os
import resource
import signal
from collections.abc import Callable, Mapping
from functools import cache

from scheduler.execution import kernel, switching
from scheduler.execution.protocol import Result, Spec
from scheduler.failpoints import failpoint
from scheduler.sentences import N_

NOT_FOUND, NOT_EXECUTABLE = 127, 126
FOLDER = "{dir}/"
LIKELY = b"500"  # when memory runs out, the kernel should choose a task before its supervisor

_MEGABYTE = 1024 * 1024
_LIMITS = {
    "cpu_seconds": (resource.RLIMIT_CPU, 1),
    "memory_mb": (resource.RLIMIT_AS, _MEGABYTE),
    "processes": (resource.RLIMIT_NPROC, 1),
    "open_files": (resource.RLIMIT_NOFILE, 1),
    "file_size_mb": (resource.RLIMIT_FSIZE, _MEGABYTE),
}
_SENTENCES = {
    ("directory", errno.ENOENT): N_("The working directory %(subject)s does not exist."),
    ("directory", errno.ENOTDIR): N_("The working directory %(subject)s is not a directory."),
    ("directory", None): N_("The working directory %(subject)s cannot be used: %(reason)s."),
    ("program", errno.ENOENT): N_("There is no program %(subject)s, or the interpreter its first line names does not exist."),
    ("program", errno.EACCES): N_("The program %(subject)s may not be executed: it lacks the permission, or is no file."),
    ("program", errno.ENOEXEC): N_("The program %(subject)s has no format this machine executes; scripts begin with #!/bin/sh."),
    ("program", None): N_("The program %(subject)s cannot be started: %(reason)s."),
    ("limits", None): N_("The limits of the task cannot be set: %(reason)s."),
    ("priority", None): N_("The priority of the task cannot be set: %(reason)s."),
    ("user", None): N_("It cannot be run as the user it names: %(reason)s."),
    ("folder", None): N_("The folder of the attempt cannot be prepared: %(reason)s."),
}


class NotStarted(Exception):
    """The program never began: in which step, and why."""

    def __init__(self, step: str, error: Exception) -> None:
        super().__init__(str(error))
        self.step = step
        self.number = error.errno if isinstance(error, OSError) else None


def start(spec: Spec, stdout: int, stderr: int) -> tuple[int, int | None]:
    """Start the program: its pid, and the pipe through which it tells what goes wrong before its exec, if that can still happen.

    Raises NotStarted. The kernel's spawn, which copies no memory, costs a third of a fork; but it can set no limits.
    """
    if spec.limits or spec.nice or spec.user:
        return _fork(spec, stdout, stderr)
    _our_likelihood()
    kernel.set_own("oom_score_adj", LIKELY)  # what is spawned begins with it
    try:
        return _spawn(spec, stdout, stderr), None
    finally:
        kernel.set_own("oom_score_adj", _our_likelihood())


def unmet_limits(spec: Spec) -> dict[str, int | None]:
    """The limits of the spec that cannot be had here, with what holds instead: the machine's own, or nothing at all."""
    found: dict[str, int | None] = {}
    for name, value in spec.limits.items():
        kind, unit = _LIMITS[name]
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY and hard < value * unit:
            found[name] = hard // unit
        if name == "processes" and (spec.user[0] if spec.user else os.geteuid()) == 0:
            found[name] = None  # the kernel counts no processes of root
    return found


def decode_failure(spec: Spec, report: bytes) -> Result:
    """What the child wrote into its failure pipe, as fields of a result."""
    return describe_failure(spec, **json.loads(report))


def describe_failure(spec: Spec, step: str, number: int | None, text: str) -> Result:
    """The fields of a result that tell why a program was never started."""
    subject = (spec.cwd or spec.workspace) if step == "directory" else spec.argv[0]
    sentence = _SENTENCES.get((step, number)) or _SENTENCES[step, None]
    params = {"subject": subject, "reason": os.strerror(number) if number else text}
    missing = step == "program" and number == errno.ENOENT
    return {
        "reason": "start_failed",
        "exit_code": NOT_FOUND if missing else NOT_EXECUTABLE,
        "error": sentence % params,
        "error_text": sentence,
        "error_params": params,
        "failed_step": step,
        "errno": number,
    }


@cache
def _our_likelihood() -> bytes:
    return kernel.get_own("oom_score_adj")


def _spawn(spec: Spec, stdout: int, stderr: int) -> int:
    try:
        os.chdir(spec.cwd or spec.workspace)
    except OSError as error:
        raise NotStarted("directory", error) from error
    actions = ((os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, stderr, 2))
    argv = _argv(spec)
    try:
        return _first(argv[0], spec.env, lambda path: os.posix_spawn(
            path, argv, spec.env, file_actions=actions, setsid=True, setsigmask=()
        ))  # fmt: skip
    except (OSError, ValueError) as error:
        raise NotStarted("program", error) from error
    finally:
        os.chdir("/")


def _fork(spec: Spec, stdout: int, stderr: int) -> tuple[int, int]:
    failure, report = os.pipe()
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        raise NotStarted("program", error) from error
    if pid:
        os.close(report)
        return pid, failure
    try:
        failpoint("child_before_exec")
        _become(spec, (stdout, stderr, report), parent)
    finally:
        os._exit(NOT_EXECUTABLE)


def _become(spec: Spec, pipes: tuple[int, int, int], parent: int) -> None:
    stdout, stderr, failure = pipes
    kernel.control(kernel.PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    os.setsid()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    step = "limits"
    try:
        _limit(spec.limits)
        kernel.set_own("oom_score_adj", LIKELY)
        step = "priority"
        if spec.nice:
            os.nice(spec.nice)
        step = "directory"
        os.chdir(spec.workspace)
        if spec.user:
            step = "user"
            switching.become(spec.user, parent)
        step = "directory"
        if spec.cwd:  # as that user
            os.chdir(spec.cwd)
        step = "program"
        argv = _argv(spec)
        kernel.block(())
        _first(argv[0], spec.env, lambda path: os.execve(path, argv, spec.env))
    except (OSError, ValueError) as error:
        report = {"step": step, "number": getattr(error, "errno", None), "text": str(error)}
        os.write(failure, json.dumps(report).encode())


def _argv(spec: Spec) -> list[str]:
    argv = list(spec.argv)
    for place, argument in enumerate(argv):
        if argument.startswith(FOLDER):
            argv[place] = spec.place + argument[len(FOLDER) - 1 :]
    return argv


def _limit(limits: Mapping[str, int]) -> None:
    for name, value in limits.items():
        kind, unit = _LIMITS[name]
        _, hard = resource.getrlimit(kind)
        ceiling = value * unit if hard == resource.RLIM_INFINITY else min(value * unit, hard)
        last = ceiling + 1 if kind == resource.RLIMIT_CPU and ceiling != hard else ceiling  # SIGXCPU says why, SIGKILL does not
        resource.setrlimit(kind, (ceiling, last))


def _first(program: str, env: Mapping[str, str], begin: Callable[[str], int]) -> int:
    """`begin` with the path of `program`, found as a shell finds it."""
    refusal = None
    for folder in ("",) if "/" in program else env.get("PATH", os.defpath).split(":"):
        path = f"{folder}/{program}" if folder else program
        if os.access(path, os.F_OK) or "/" in program:
            try:
                return begin(path)
            except PermissionError as error:
                refusal = error  # as in every shell, a later folder may have a better one
    raise refusal or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
