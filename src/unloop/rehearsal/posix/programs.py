"""The programs of a simulated Linux host, as far as remedies use them; they know its tree and nothing else."""

from collections.abc import Callable, Mapping

from unloop.rehearsal.posix import file_programs, host_programs, text_programs
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.syntax import NotUnderstood

Program = Callable[[Shell, list[str]], int]
SHELLS = frozenset({"sh", "dash"})
_HOLDS = frozenset({"/usr/sbin", "/usr/bin", "/sbin", "/bin"})
_MISSED = """
awk basename bash busybox chattr chgrp chmod chown chroot cksum clear cmp comm cp csplit dd df diff dircolors
dirname dmesg du egrep env expand factor fgrep find flock fmt fold getent grep groups gunzip gzip halt hostid id
install ip join kill killall last link ln logger login logname lsblk lsmod md5sum mkfifo mknod mktemp modinfo
modprobe more mount mountpoint nice nl nproc numfmt passwd paste perl pgrep pidof ping pkill poweroff pr
printenv ps python3 readlink realpath rmdir rmmod sha1sum sha512sum shred shuf sort split ss stdbuf stty su
sysctl tac tail tar tee timeout top truncate tsort tty udevadm umount unexpand uniq unlink users vi vdir w wc
whereis which who whoami xargs yes zcat
"""
"""What real hosts have and this one has not: asking for it is refused, where another name is simply not installed."""
_ON_EVERY_HOST = frozenset(_MISSED.split())

PROGRAMS: Mapping[str, Program] = {
    "base64": text_programs.base_64,
    "cat": file_programs.concatenate,
    "cut": text_programs.cut,
    "date": host_programs.date,
    "expr": text_programs.compare,
    "head": text_programs.head,
    "hostname": host_programs.hostname,
    "ls": file_programs.list_files,
    "mkdir": file_programs.make_directories,
    "mv": file_programs.move,
    "od": text_programs.dump,
    "reboot": host_programs.reboot,
    "rm": file_programs.remove,
    "sed": text_programs.edit,
    "service": host_programs.service,
    "sha256sum": text_programs.sums,
    "shutdown": host_programs.shutdown,
    "sleep": host_programs.sleep,
    "stat": file_programs.stat,
    "sync": host_programs.sync,
    "systemctl": host_programs.systemctl,
    "touch": file_programs.touch,
    "tr": text_programs.translate,
    "uname": host_programs.uname,
    "uptime": host_programs.uptime,
}
"""By name; a name that is not here is not installed, or refused."""
_KNOWN = PROGRAMS.keys() | SHELLS | {"nohup"}
_STANDARD_BUILTINS = frozenset({"echo", "printf", "test", "[", "true", "false", "pwd"})
"""Builtins that are programs too."""


def path_of(shell: Shell, name: str) -> str | None:
    """Where a program lies; None when the host has none of that name. Raises NotUnderstood for what it should have."""
    directory, slash, bare = name.rpartition("/")
    places = [directory or "/"] if slash else shell.variables.get("PATH", "").split(":")
    for place in places:
        if place in _HOLDS and bare in _KNOWN:
            return f"{place}/{bare}"
        if place in _HOLDS and (bare in _ON_EVERY_HOST or bare in _STANDARD_BUILTINS):
            raise NotUnderstood(f"the program {bare}")
        if place not in _HOLDS and _is_there(shell, f"{place or '.'}/{bare}"):
            raise NotUnderstood(f"{name}, a file of the host, as a program")
    return None


def _is_there(shell: Shell, path: str) -> bool:
    try:
        return shell.node(shell.place(path)) is not None
    except NotADirectoryError:
        return True
    except OSError:
        return False
