"""A mounted disk: paths of its own system, no way out of it, nothing overwritten."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unloop.channels.base import Files
from unloop.channels.disk import DiskFiles
from unloop.errors import AccessDenied, NotFound
from unloop.model.host import System


@pytest.fixture
def windows(tmp_path: Path) -> DiskFiles:
    """A small Windows volume."""
    place = tmp_path / "root" / "Windows" / "System32"
    place.mkdir(parents=True)
    (place / "Good.sys").write_bytes(b"good")
    os.utime(place / "Good.sys", ns=(0, 1_721_362_140_123_456_789))
    return DiskFiles(tmp_path / "root", System.WINDOWS)


@pytest.fixture
def linux(tmp_path: Path) -> DiskFiles:
    """A small Linux file system, and a file outside of it."""
    (tmp_path / "root" / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "root" / "usr" / "lib" / "a").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    return DiskFiles(tmp_path / "root", System.LINUX)


def test_disk_has_the_files_ability(windows: DiskFiles) -> None:
    """Whatever carries file orders can carry them to a disk."""
    assert isinstance(windows, Files)


def test_windows_paths_ignore_case(windows: DiskFiles) -> None:
    """As on the host itself, case does not matter, and entries keep theirs."""
    entry = windows.list_directory("c:\\WINDOWS\\system32")[0]
    moment = datetime(2024, 7, 19, 4, 9, 0, 123456, tzinfo=UTC)
    assert (entry.name, entry.size, entry.modified) == ("Good.sys", 4, moment)
    assert windows.read("C:\\windows\\system32\\GOOD.SYS", limit=2) == b"go"


def test_other_drives_are_not_here(windows: DiskFiles) -> None:
    """A disk is one volume; paths of another one are not found, rather than found on the wrong one."""
    with pytest.raises(NotFound):
        windows.list_directory("D:\\Windows")


def test_linux_paths_mind_case(linux: DiskFiles) -> None:
    """As on the host itself, another case is another file."""
    with pytest.raises(NotFound):
        linux.read("/usr/lib/A", limit=1)


def test_links_are_followed_inside_the_root_only(linux: DiskFiles) -> None:
    """An absolute link of the host counts from the disk's root, and one that climbs stops there."""
    (linux.root / "lib").symlink_to("/usr/lib")
    (linux.root / "out").symlink_to("../../..")
    assert linux.read("/lib/a", limit=6) == b"inside"
    assert [entry.name for entry in linux.list_directory("/out")] == ["usr"]
    with pytest.raises(NotFound):
        linux.read("/out/secret", limit=9)


def test_a_link_is_no_file(linux: DiskFiles) -> None:
    """A file that is a link is neither listed nor read: it could stand for anything."""
    (linux.root / "usr" / "lib" / "b").symlink_to(linux.root.parent / "secret")
    assert [entry.name for entry in linux.list_directory("/usr/lib")] == ["a"]
    with pytest.raises(AccessDenied):
        linux.read("/usr/lib/b", limit=9)


@pytest.mark.parametrize("path", ["/usr/../../secret", "/../secret"])
def test_paths_do_not_climb(linux: DiskFiles, path: str) -> None:
    """A path with two dots is refused."""
    with pytest.raises(AccessDenied):
        linux.read(path, limit=9)


def test_loops_of_links_end(linux: DiskFiles) -> None:
    """A link that leads to itself is an error, not a hang."""
    (linux.root / "loop").symlink_to("loop")
    with pytest.raises(AccessDenied):
        linux.list_directory("/loop")


def test_move_makes_directories_and_never_overwrites(windows: DiskFiles) -> None:
    """A file arrives whole in a new directory; a file that is there stays, whatever its case."""
    windows.move("C:\\Windows\\System32\\Good.sys", "C:\\q\\c1\\x.q")
    windows.write("C:\\windows\\system32\\good.sys", b"new")
    with pytest.raises(AccessDenied):
        windows.move("C:\\windows\\system32\\good.sys", "C:\\Q\\C1\\X.Q")
    assert windows.read("C:\\q\\c1\\x.q", limit=9) == b"good"


def test_write_never_overwrites(windows: DiskFiles) -> None:
    """Writing over a file is refused, and the file stays as it was."""
    with pytest.raises(AccessDenied):
        windows.write("C:\\Windows\\System32\\GOOD.sys", b"bad")
    assert windows.read("C:\\Windows\\System32\\Good.sys", limit=9) == b"good"


def test_delete_takes_one_file(windows: DiskFiles) -> None:
    """A deleted file is gone; deleting it again is not found; a directory is refused."""
    windows.delete("C:\\Windows\\System32\\good.sys")
    with pytest.raises(NotFound):
        windows.delete("C:\\Windows\\System32\\good.sys")
    with pytest.raises(AccessDenied):
        windows.delete("C:\\Windows\\System32")
