"""Files of a server under measurement, which are made anew for every run, and tell when the bad one went.

Times are those of CLOCK_MONOTONIC, which every process of a machine shares.
"""

import ctypes
import os
import shutil
import struct
import threading
import time
from pathlib import Path
from typing import Protocol

from bad_file import AT, CONTENT, DRIVERS, NAME, SIBLINGS

from unloop.rehearsal.filetree import FileTree, Node

_IN_MOVED_FROM, _IN_DELETE = 0x40, 0x200
_EVENT = struct.Struct("=iIII")


class TimedFiles(Protocol):
    """The files of one server."""

    def restore(self) -> None:
        """Put the bad file back, and take away what a repair has made."""

    def moved(self) -> float | None:
        """When the bad file went since then; None when it is there yet."""


class TimedTree(FileTree):
    """The files of a simulated host."""

    def __init__(self, *, case_sensitive: bool) -> None:
        super().__init__(case_sensitive=case_sensitive)
        self.make_directory(DRIVERS, modified=AT)
        for name, content in {**SIBLINGS, NAME: CONTENT}.items():
            self.write((*DRIVERS, name), content, modified=AT)
        self._first: dict[tuple[str, ...], Node] = {}
        self._went: float | None = None

    def restore(self) -> None:
        """Make it what it was when this was first called."""
        self._first = self._first or dict(self._nodes)
        self._nodes.clear()
        self._nodes.update(self._first)
        self._went = None

    def moved(self) -> float | None:
        """When the bad file went."""
        return self._went

    def rename(self, source: tuple[str, ...], destination: tuple[str, ...]) -> None:
        """Move a node."""
        super().rename(source, destination)
        self._note(source)

    def remove(self, path: tuple[str, ...]) -> None:
        """Delete a node."""
        super().remove(path)
        self._note(path)

    def _note(self, path: tuple[str, ...]) -> None:
        if path[-1].lower() == NAME.lower() and self._went is None:
            self._went = time.monotonic()


class TimedDirectory:
    """The files of a real server, and the time at which the kernel said that the bad one went (inotify(7))."""

    def __init__(self, root: Path) -> None:
        self._root, self._place = root, root.joinpath(*DRIVERS)
        self._place.mkdir(parents=True)
        self._went: float | None = None
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_CLOEXEC)
        if libc.inotify_add_watch(self._events, os.fsencode(self._place), _IN_MOVED_FROM | _IN_DELETE) < 0:
            raise OSError(ctypes.get_errno(), f"{self._place} can't be watched")
        threading.Thread(target=self._listen, daemon=True).start()

    def restore(self) -> None:
        """Make it what it was."""
        shutil.rmtree(self._root / "unloop-quarantine", ignore_errors=True)
        for path in self._place.iterdir():
            path.unlink()
        for name, content in {**SIBLINGS, NAME: CONTENT}.items():
            (self._place / name).write_bytes(content)
            os.utime(self._place / name, (AT.timestamp(), AT.timestamp()))
        time.sleep(0.01)
        self._went = None

    def moved(self) -> float | None:
        """When the bad file went."""
        return self._went

    def _listen(self) -> None:
        while events := os.read(self._events, 65536):
            now = time.monotonic()
            while events:
                length = _EVENT.unpack_from(events)[3]
                name, events = events[_EVENT.size :][:length], events[_EVENT.size + length :]
                if name.rstrip(b"\0").decode() == NAME and self._went is None:
                    self._went = now
