"""Folders on disk as clean-up meets them: numbered ones, how old, how large, and gone; which may go is for others to say."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

NUMBER = re.compile("[1-9][0-9]{0,17}")
BLOCK = 512  # bytes, what st_blocks counts in


def numbered(parent: Path) -> list[int]:
    """The numbers that name folders in `parent`, ascending; whatever else lies there is none of our business."""
    try:
        with os.scandir(parent) as entries:
            return sorted(int(entry.name) for entry in entries if NUMBER.fullmatch(entry.name))
    except FileNotFoundError:
        return []


def touched(folder: Path) -> float:
    """When anything in the folder, two levels deep, last changed, in seconds of the epoch; 0 when it is not there."""
    return max((entry.st_mtime for entry in _looked_at(folder, 2)), default=0.0)


def remove(path: Path | str) -> int:
    """Remove a folder with everything in it, or the link a task put in its place; answers the bytes freed, 0 for nothing there.

    No link is followed: each file is named within the open folder it lies in. OSError when something cannot be removed.
    """
    freed = 0
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return 0
        for _, folders, files, inside in os.fwalk(path, topdown=False, onerror=_raise):
            for name in files:
                freed += os.stat(name, dir_fd=inside, follow_symlinks=False).st_blocks * BLOCK
                os.unlink(name, dir_fd=inside)
            for name in folders:
                _remove_folder(name, inside)
        os.rmdir(path)
    except FileNotFoundError:
        return freed
    except RecursionError as error:
        raise OSError(f"{path} is nested too deeply to be removed") from error
    return freed


def _remove_folder(name: str, inside: int) -> None:
    """Remove an empty folder, or a link to one: the walk counts that among the folders."""
    try:
        os.rmdir(name, dir_fd=inside)
    except NotADirectoryError:
        os.unlink(name, dir_fd=inside)


def _looked_at(folder: Path, depth: int) -> Iterator[os.stat_result]:
    try:
        yield os.lstat(folder)
        if depth:
            with os.scandir(folder) as entries:
                for entry in entries:
                    yield from _looked_at(Path(entry.path), depth - 1)
    except (FileNotFoundError, NotADirectoryError):
        return


def _raise(error: OSError) -> None:
    raise error
