"""What every boot leaves in a host's files, by which clients tell one boot from the next."""

import random
import uuid
from datetime import datetime

from unloop.model.host import System
from unloop.rehearsal.filetree import FileTree

PAGEFILE = ("pagefile.sys",)
BOOTSTAT = ("Windows", "bootstat.dat")
BOOT_ID = ("proc", "sys", "kernel", "random", "boot_id")


def stamp(files: FileTree, system: System, boot_time: datetime, chance: random.Random) -> None:
    """Write the marks of a new boot."""
    if system is System.WINDOWS:
        files.write(PAGEFILE, b"", modified=boot_time)
        files.make_directory(BOOTSTAT[:-1], modified=boot_time)
        files.write(BOOTSTAT, bytes(64), modified=boot_time)
        return
    files.make_directory(BOOT_ID[:-1], modified=boot_time)
    identity = uuid.UUID(int=chance.getrandbits(128), version=4)
    files.write(BOOT_ID, f"{identity}\n".encode("ascii"), modified=boot_time)
