"""The programs that a simulated Windows host has in its path, as cmd or WMI start them; PowerShell is elsewhere."""

from collections.abc import Callable, Mapping

from unloop.rehearsal.cmd.paths import words
from unloop.rehearsal.cmd.registry import registry
from unloop.rehearsal.cmd.state import Cmd

_DONE = "The operation completed successfully.\r\n"
_USAGE = 87
_NO_SERVICE = 1060
_STATES = {"running": "4  RUNNING", "stopped": "1  STOPPED"}
_ENTRIES = ("{current}", "{default}")
_MODES = frozenset({"minimal", "network", "dsrepair"})
_LONGEST_DELAY = 315_360_000


def hostname(cmd: Cmd, _rest: str) -> None:
    """The name of the host."""
    cmd.code = 0
    cmd.say(f"{cmd.machine.spec.name}\r\n")


def whoami(cmd: Cmd, _rest: str) -> None:
    """Who the client is here."""
    spec = cmd.machine.spec
    cmd.code = 0
    cmd.say(f"{spec.name}\\{spec.username.rpartition(chr(92))[2]}\r\n".lower())


def service_control(cmd: Cmd, rest: str) -> None:
    """``sc query [name]``."""
    given = words(rest)
    services: Mapping[str, str] = cmd.machine.state.get("services", {})
    if not given or given[0].lower() != "query":
        _unknown(cmd, "sc", rest)
        return
    if len(given) == 1:
        found = [name for name, state in services.items() if state == "running"]
    else:
        found = [name for name in services if name.casefold() == given[1].casefold()]
    if len(given) > 1 and not found:
        cmd.say("[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\r\n\r\n")
        cmd.say("The specified service does not exist as an installed service.\r\n\r\n")
        cmd.code = _NO_SERVICE
        return
    cmd.code = 0
    for name in found:
        cmd.say(_service(name, services[name]))


def _service(name: str, state: str) -> str:
    lines = (
        "TYPE               : 30  WIN32  ",
        f"STATE              : {_STATES.get(state, '1  STOPPED')} ",
        "WIN32_EXIT_CODE    : 0  (0x0)",
        "SERVICE_EXIT_CODE  : 0  (0x0)",
        "CHECKPOINT         : 0x0",
        "WAIT_HINT          : 0x0",
    )
    return f"\r\nSERVICE_NAME: {name} \r\n" + "".join(f"        {line}\r\n" for line in lines)


def boot_data(cmd: Cmd, rest: str) -> None:
    """``bcdedit /set [entry] safeboot mode`` and ``bcdedit /deletevalue [entry] safeboot``."""
    given = [word.lower() for word in words(rest)]
    named = [word for word in given if word not in _ENTRIES]
    state = cmd.machine.state
    cmd.code = 0
    if named[:2] == ["/set", "safeboot"] and len(named) == 3 and named[2] in _MODES:
        cmd.machine.set_safe_boot(named[2])
        cmd.say(_DONE)
    elif named == ["/deletevalue", "safeboot"]:
        if state.get("safe_boot", ""):
            cmd.machine.set_safe_boot("")
            cmd.say(_DONE)
        else:
            cmd.complain("An error occurred while attempting to delete the specified data element.")
            cmd.complain("Element not found.", 1)
    elif named in ([], ["/enum"]):
        cmd.say(_entry(str(state.get("safe_boot", ""))))
    else:
        cmd.say("The parameter is incorrect.\r\n")
        cmd.code = 1


def _entry(safe_boot: str) -> str:
    fields = {
        "identifier": "{current}",
        "device": "partition=C:",
        "path": r"\Windows\system32\winload.efi",
        "osdevice": "partition=C:",
        "systemroot": r"\Windows",
        **({"safeboot": safe_boot.capitalize()} if safe_boot else {}),
    }
    lines = "".join(f"{name:<24}{value}\r\n" for name, value in fields.items())
    return f"\r\nWindows Boot Loader\r\n-------------------\r\n{lines}"


def shutdown(cmd: Cmd, rest: str) -> None:
    """``shutdown /r [/t seconds] [/f]``."""
    given = [f"/{word[1:].lower()}" if word[:1] in "-/" else word for word in words(rest)]
    delay = given[given.index("/t") + 1] if "/t" in given[:-1] else "30"
    if "/r" not in given or not (delay.isascii() and delay.isdigit()) or int(delay[:10]) > _LONGEST_DELAY:
        _unknown(cmd, "shutdown", rest)
        return
    cmd.code = 0
    cmd.later(cmd.waited + float(delay))


def _unknown(cmd: Cmd, name: str, rest: str) -> None:
    """What the real program would do with this is not simulated."""
    cmd.complain(f"{name}: this simulated host does not know{rest.rstrip() or ' it without parameters'}", _USAGE)


PROGRAMS: Mapping[str, Callable[[Cmd, str], None]] = {
    "hostname": hostname,
    "whoami": whoami,
    "sc": service_control,
    "bcdedit": boot_data,
    "reg": registry,
    "shutdown": shutdown,
}
