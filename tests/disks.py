"""Small file systems for tests, which fill up."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import missing, require


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of that size for the length of a with block; skips where it can't be mounted, and fails in CI."""
    place.mkdir()
    mounted = subprocess.run(
        [require("mount"), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        missing("a file system can't be mounted here")
    try:
        yield place
    finally:
        subprocess.run([require("umount"), str(place)], check=True)


def fill(place: Path) -> Path:
    """Write a file until nothing more fits; removing it makes room again."""
    filling = place / "filling"
    with filling.open("ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                continue
        except OSError:
            pass
    return filling
