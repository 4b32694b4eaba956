"""What SFTP says of files, and of what went wrong with them (draft-ietf-secsh-filexfer-02, 5 and 7)."""

import errno
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh
from asyncssh import SFTPAttrs, SFTPName

from unloop.rehearsal.filetree import Node


@contextmanager
def told(path: tuple[str, ...]) -> Iterator[None]:
    """What goes wrong in the tree, said in SFTP's few words as OpenSSH chooses them.

    For a sharing violation OpenSSH on Windows has no word of its own: it is a plain failure (errno_from_Win32Error).
    """
    shown = "/" + "/".join(path)
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise asyncssh.SFTPNoSuchFile(f"{shown}: no such file") from error
    except PermissionError as error:
        raise asyncssh.SFTPPermissionDenied(f"{shown}: permission denied") from error
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise asyncssh.SFTPBadMessage(f"{shown}: invalid argument") from error
        raise asyncssh.SFTPFailure(f"{shown}: failure") from error


def attributes(node: Node) -> SFTPAttrs:
    """Size, time, and whether it is a directory and may be written: all that the tree knows."""
    moment = int(node.modified.timestamp())
    kind = stat.S_IFDIR | 0o755 if node.is_directory else stat.S_IFREG | (0o444 if node.read_only else 0o644)
    return SFTPAttrs(size=len(node.content), uid=0, gid=0, permissions=kind, atime=moment, mtime=moment)


def entry(name: str, node: Node) -> SFTPName:
    """One line of a listing."""
    found = attributes(node)
    when = time.strftime("%b %d  %Y", node.modified.utctimetuple())
    mode = stat.filemode(found.permissions or 0)
    longname = f"{mode}    1 root     root     {len(node.content):8d} {when} {name}"
    return SFTPName(spelled(name), spelled(longname), found)


def spelled(name: str) -> bytes:
    """A name in the bytes that the host has for it."""
    return name.encode("utf-8", "surrogateescape")
