"""The programs of a simulated Linux host, as far as remedies and people use them; they know its tree and nothing else."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from unloop.rehearsal import faults
from unloop.rehearsal.posix import text_programs
from unloop.rehearsal.posix.options import Misused, options
from unloop.rehearsal.posix.state import Shell

__all__ = ["PROGRAMS", "Misused", "content_of", "known_script"]

_STAT = ("proc", "stat")


def content_of(shell: Shell, path: str) -> bytes:
    """A file's content; raises FileNotFoundError or IsADirectoryError. /proc/stat is made when it is read."""
    place = shell.place(path)
    if place == _STAT:
        return f"cpu  0 0 0 0\nbtime {int(shell.machine.boot_time.timestamp())}\nprocesses 1\n".encode()
    node = shell.machine.files.stat(place)
    if node.is_directory:
        raise IsADirectoryError(21, "Is a directory", path)
    return node.content


def known_script(shell: Shell, script: str) -> int | None:
    """The exit code of a script that a fixture knows, which has its effect now; None for others."""
    digest = hashlib.sha256(script.encode("utf-8", "surrogateescape")).hexdigest()
    effect = shell.machine.state.get("scripts", {}).get(digest)
    if effect is None:
        return None
    faults.apply(shell.machine, effect.changes)
    shell.say(effect.stdout)
    code: int = effect.exit_code
    return code


def _cat(shell: Shell, arguments: list[str]) -> int:
    _, paths = options(arguments, "")
    for path in paths or ["-"]:
        shell.output().write(shell.input().rest() if path == "-" else content_of(shell, path))
    return 0


def _stat(shell: Shell, arguments: list[str]) -> int:
    found, paths = options(arguments, "", takes="c")
    form = found.get("c", "%n %s")
    for path in paths:
        node = shell.machine.files.stat(shell.place(path))
        kind = "directory" if node.is_directory else "regular file"
        values = {"%s": str(len(node.content)), "%Y": str(int(node.modified.timestamp())), "%n": path, "%F": kind}
        for mark, value in values.items():
            form = form.replace(mark, value)
        if "%" in form and not any("%" in value for value in values.values()):
            raise Misused(f"format {form} is not understood")
        shell.say(form + "\n")
    return 0


def _move(shell: Shell, arguments: list[str]) -> int:
    found, paths = options(arguments, "nf")
    if len(paths) != 2:
        raise Misused("two paths are wanted")
    files, (source, goal) = shell.machine.files, (shell.place(path) for path in paths)
    files.stat(source)
    if files.exists(goal) and files.stat(goal).is_directory:
        goal = (*goal, source[-1])
    if files.exists(goal):
        if "n" in found:
            return 0
        files.remove(goal)
    files.rename(source, goal)
    return 0


def _make_directory(shell: Shell, arguments: list[str]) -> int:
    found, paths = options(arguments, "p")
    files = shell.machine.files
    for path in paths:
        place = shell.place(path)
        if "p" not in found:
            if files.exists(place):
                raise FileExistsError(17, "File exists", path)
            files.stat(place[:-1])
        files.make_directory(place, modified=datetime.now(UTC))
    return 0


def _remove(shell: Shell, arguments: list[str]) -> int:
    found, paths = options(arguments, "f")
    for path in paths:
        place = shell.place(path)
        if "f" in found and not shell.machine.files.exists(place):
            continue
        if shell.machine.files.stat(place).is_directory:
            raise IsADirectoryError(21, "Is a directory", path)
        shell.machine.files.remove(place)
    return 0


def _list(shell: Shell, arguments: list[str]) -> int:
    found, paths = options(arguments, "a1")
    for path in paths or ["."]:
        place = shell.place(path)
        node = shell.machine.files.stat(place)
        names = [child.name for child in shell.machine.files.children(place)] if node.is_directory else [path]
        shell.say("".join(f"{name}\n" for name in names if "a" in found or not name.startswith(".") or name == path))
    return 0


def _touch(shell: Shell, arguments: list[str]) -> int:
    _, paths = options(arguments, "")
    for path in paths:
        files, place, now = shell.machine.files, shell.place(path), datetime.now(UTC)
        if files.exists(place):
            files.change(place, modified=now, read_only=files.stat(place).read_only)
        else:
            files.write(place, b"", modified=now)
    return 0


def _date(shell: Shell, arguments: list[str]) -> int:
    found, rest = options(arguments, "u", takes="d")
    given = found.get("d", "")
    if given and not given.removeprefix("@").lstrip("-").isdigit():
        raise Misused(f"-d {given} is not understood")
    moment = datetime.fromtimestamp(int(given.removeprefix("@")), UTC) if given else datetime.now(UTC)
    form = rest[0].removeprefix("+") if rest else "%a %b %e %H:%M:%S UTC %Y"
    shell.say(moment.strftime(form.replace("%s", str(int(moment.timestamp())))) + "\n")
    return 0


def _systemctl(shell: Shell, arguments: list[str]) -> int:
    found, words = options(arguments, "", long=("quiet", "no-block"))
    if words == ["reboot"]:
        return _reboot(shell, [])
    if words[:1] != ["is-active"] or len(words) != 2:
        raise Misused(f"{' '.join(words)[:60]} is not understood by this simulated host")
    state = _service_state(shell, words[1])
    if "quiet" not in found:
        shell.say(("active" if state == "running" else "inactive") + "\n")
    return 0 if state == "running" else 3


def _service(shell: Shell, arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[1] != "status":
        raise Misused("only status is understood by this simulated host")
    return 0 if _service_state(shell, arguments[0]) == "running" else 3


def _service_state(shell: Shell, name: str) -> str:
    services: dict[str, str] = shell.machine.state.get("services", {})
    return services.get(name, services.get(name.removesuffix(".service"), ""))


def _reboot(shell: Shell, _: list[str]) -> int:
    shell.later(shell.clock.waited)
    return 0


def _shutdown(shell: Shell, arguments: list[str]) -> int:
    if arguments[:2] != ["-r", "now"]:
        raise Misused("only -r now is understood by this simulated host")
    return _reboot(shell, [])


def _sleep(shell: Shell, arguments: list[str]) -> int:
    try:
        shell.clock.waited += float(arguments[0])
    except (ValueError, IndexError) as error:
        raise Misused("a number of seconds is wanted") from error
    return 0


def _sync(_: Shell, __: list[str]) -> int:
    return 0


def _uname(shell: Shell, arguments: list[str]) -> int:
    release = shell.machine.files.exists(("proc", "sys", "kernel", "osrelease"))
    kernel = content_of(shell, "/proc/sys/kernel/osrelease").decode().strip() if release else "6.1.0-unloop"
    names = {"-s": "Linux", "-n": shell.machine.spec.name, "-r": kernel, "-m": "x86_64"}
    if arguments == ["-a"]:
        arguments = list(names)
    try:
        shell.say(" ".join(names[argument] for argument in arguments or ["-s"]) + "\n")
    except KeyError as error:
        raise Misused(f"{error.args[0]} is not understood") from error
    return 0


def _hostname(shell: Shell, _: list[str]) -> int:
    shell.say(f"{shell.machine.spec.name}\n")
    return 0


def _uptime(shell: Shell, arguments: list[str]) -> int:
    if arguments != ["-s"]:
        raise Misused("only -s is understood by this simulated host")
    shell.say(f"{shell.machine.boot_time:%Y-%m-%d %H:%M:%S}\n")
    return 0


PROGRAMS: Mapping[str, Callable[[Shell, list[str]], int]] = {
    "cat": _cat,
    "stat": _stat,
    "mv": _move,
    "mkdir": _make_directory,
    "rm": _remove,
    "ls": _list,
    "touch": _touch,
    "date": _date,
    "systemctl": _systemctl,
    "service": _service,
    "reboot": _reboot,
    "shutdown": _shutdown,
    "sleep": _sleep,
    "sync": _sync,
    "uname": _uname,
    "hostname": _hostname,
    "uptime": _uptime,
    "sha256sum": text_programs.sums(content_of),
    "od": text_programs.dump(content_of),
    "sed": text_programs.edit(content_of),
    "head": text_programs.head(content_of),
    "tr": text_programs.translate,
    "cut": text_programs.cut,
    "base64": text_programs.decode,
    "expr": text_programs.compare,
}
"""By name; a name that is not here is not installed."""
