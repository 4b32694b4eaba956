"""The programs that ask a simulated Linux host about itself, or restart it."""

import re
from datetime import UTC, datetime

from unloop.rehearsal.posix.bytetext import inside
from unloop.rehearsal.posix.contents import content_of
from unloop.rehearsal.posix.options import options
from unloop.rehearsal.posix.state import Shell
from unloop.rehearsal.posix.streams import Nowhere
from unloop.rehearsal.posix.syntax import NotUnderstood

_LAST_SECOND = 253_402_300_799
_DATE_MARKS = frozenset("YmdHMSFTjy%")
_RELEASE = ("proc", "sys", "kernel", "osrelease")


def date(shell: Shell, arguments: list[str]) -> int:
    """date [-u] [-d @SECONDS] +FORMAT; the host's clock is that of the simulation, in UTC."""
    found, rest = options([argument for argument in arguments if not argument.startswith("+")], "u", takes="d")
    forms = [argument[1:] for argument in arguments if argument.startswith("+")]
    if rest or len(forms) != 1 or "TZ" in shell.variables:
        raise NotUnderstood("date without a format, or in a zone")
    moment = datetime.now(UTC)
    if "d" in found:
        if not re.fullmatch(r"@[0-9]{1,12}", found["d"]) or int(found["d"][1:]) > _LAST_SECOND:
            raise NotUnderstood(f"date -d {found['d'][:40]}")
        moment = datetime.fromtimestamp(int(found["d"][1:]), UTC)
    shell.say(re.sub(r"%(.?)", lambda mark: _moment(mark[1], moment), forms[0], flags=re.DOTALL) + "\n")
    return 0


def _moment(letter: str, moment: datetime) -> str:
    if letter == "s":
        return str(int(moment.timestamp()))
    if not letter or letter not in _DATE_MARKS:
        raise NotUnderstood(f"%{letter} of date")
    return moment.strftime(f"%{letter}")


def systemctl(shell: Shell, arguments: list[str]) -> int:
    """systemctl reboot, and systemctl [--quiet] is-active name."""
    words = [word for word in arguments if not word.startswith("-")]
    flags = {word for word in arguments if word.startswith("-")}
    if words == ["reboot"] and flags <= {"--no-block", "--quiet"}:
        return reboot(shell, [])
    if words[:1] != ["is-active"] or len(words) != 2 or not flags <= {"--quiet"}:
        raise NotUnderstood(f"systemctl {' '.join(arguments)[:60]}")
    state = _service_state(shell, words[1])
    if not flags:
        shell.say(("active" if state == "running" else "inactive") + "\n")
    return 0 if state == "running" else 3


def service(shell: Shell, arguments: list[str]) -> int:
    """service name status, whose words are not simulated: only its exit code can be asked for."""
    if len(arguments) != 2 or arguments[1] != "status" or not isinstance(shell.output(), Nowhere):
        raise NotUnderstood("service for anything but status >/dev/null")
    return 0 if _service_state(shell, arguments[0]) == "running" else 3


def _service_state(shell: Shell, name: str) -> str:
    services: dict[str, str] = shell.machine.state.get("services", {})
    return services.get(name, services.get(name.removesuffix(".service"), ""))


def reboot(shell: Shell, arguments: list[str]) -> int:
    """reboot, once the time that was slept until now has passed."""
    if arguments:
        raise NotUnderstood("reboot with options")
    shell.later(shell.clock.waited)
    return 0


def shutdown(shell: Shell, arguments: list[str]) -> int:
    """shutdown -r now."""
    if arguments != ["-r", "now"]:
        raise NotUnderstood("shutdown for anything but -r now")
    return reboot(shell, [])


def sleep(shell: Shell, arguments: list[str]) -> int:
    """sleep SECONDS: the program's answer comes that much later."""
    if len(arguments) != 1 or not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?s?", arguments[0]):
        raise NotUnderstood("sleep for anything but a number of seconds")
    shell.clock.waited += float(arguments[0].rstrip("s"))
    return 0


def sync(_: Shell, arguments: list[str]) -> int:
    """sync: what is in the tree is safe."""
    if arguments:
        raise NotUnderstood("sync of one file")
    return 0


def uname(shell: Shell, arguments: list[str]) -> int:
    """uname [-s | -n | -r | -m]."""
    asked = arguments or ["-s"]
    names = {"-s": "Linux", "-n": inside(shell.machine.spec.name), "-m": "x86_64"}
    if asked == ["-r"] and shell.machine.files.exists(_RELEASE):
        names["-r"] = content_of(shell, "/" + "/".join(_RELEASE)).decode("latin-1").strip()
    if len(asked) > 1 or asked[0] not in names:
        raise NotUnderstood(f"uname {' '.join(asked)[:40]}")
    shell.say(names[asked[0]] + "\n")
    return 0


def hostname(shell: Shell, arguments: list[str]) -> int:
    """hostname."""
    if arguments:
        raise NotUnderstood("hostname with options")
    shell.say(f"{inside(shell.machine.spec.name)}\n")
    return 0


def uptime(shell: Shell, arguments: list[str]) -> int:
    """uptime -s."""
    if arguments != ["-s"]:
        raise NotUnderstood("uptime without -s")
    shell.say(f"{shell.machine.boot_time:%Y-%m-%d %H:%M:%S}\n")
    return 0
