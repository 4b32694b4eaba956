"""The programs of Windows that a remedy starts; they change the simulated host and nothing else."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unloop.rehearsal import faults
from unloop.rehearsal.powershell import disk, registry
from unloop.rehearsal.powershell.commands import Argument
from unloop.rehearsal.powershell.convert import is_null, items_of, text
from unloop.rehearsal.powershell.errors import Category, NetError, NotUnderstood
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.values import inward, outward

_DONE = "The operation completed successfully."
_MODES = {"minimal": "Minimal", "network": "Network", "dsrepair": "DsRepair"}
_ENTRIES = frozenset({"{default}", "{current}"})
_NEEDS_RESTART = 3010
_NO_PACKAGE = -2_146_498_555
"""0x800F0805, CBS_E_INVALID_PACKAGE."""
_REFUSED_REMOTELY = 5
"""How wusa ends in a remote session, whatever it was asked (Microsoft KB2773898)."""
_NOT_IN_SAFE_MODE = -2_147_023_812
"""0x8007043C, ERROR_NOT_SAFEBOOT_SERVICE."""
_LONGEST_DELAY = 315_360_000
_PLACES = ("c:\\windows\\system32\\", "c:\\windows\\sysnative\\", "c:\\windows\\system32\\windowspowershell\\v1.0\\")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it wrote, line by line."""

    code: int
    lines: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def words_of(argument: Argument) -> list[str]:
    """The words of a command line that an argument makes; an array makes one of each item."""
    name = [argument.name] if argument.name else []
    if argument.name and argument.has_value:
        return [f"{argument.name}:{text(argument.value)}"]
    values = items_of(argument.value) if not argument.name else []
    return [*name, *(outward(text(value)) for value in values if not is_null(value))]


def start(session: Session, name: str, words: list[str]) -> Ended:
    """Run a program to its end; raises NotUnderstood for one that this host has not, or not so."""
    plain = name.lower()
    place = next((each for each in sorted(_PLACES, key=len, reverse=True) if plain.startswith(each)), "")
    program = _PROGRAMS.get(plain.removeprefix(place).removesuffix(".exe"))
    if program is None:
        what = f"The term '{name[:80]}' is not recognized as the name of a cmdlet, function, script file, or operable "
        raise NotUnderstood(
            f"{what}program by this simulated host.",
            error_id="CommandNotFoundException",
            category=Category.OBJECT_NOT_FOUND,
            target=outward(name[:80]),
        )
    return program(session, words)


def _strange(name: str, words: list[str]) -> NotUnderstood:
    return NotUnderstood(f"{name} {' '.join(words)[:80]}".rstrip())


def _boot_data(session: Session, words: list[str]) -> Ended:
    """bcdedit: the one boot entry is both {default} and {current}."""
    state = session.machine.state
    given = [word.lower() for word in words]
    named = [word for word in given if word not in _ENTRIES]
    mode = str(state.get("safe_boot", ""))
    if named in ([], ["/enum"]):
        return Ended(0, _boot_entry(given[-1] if given[-1:] != ["/enum"] and given else "{current}", mode))
    if named[:2] == ["/set", "safeboot"] and named[2:3] and named[2] in _MODES and len(named) == 3:
        session.machine.set_safe_boot(named[2])
        return Ended(0, (_DONE,))
    if named == ["/deletevalue", "safeboot"]:
        if not mode:
            return Ended(
                1, ("An error occurred while attempting to delete the specified data element.", "Element not found.")
            )
        session.machine.set_safe_boot("")
        return Ended(0, (_DONE,))
    raise _strange("bcdedit", words)


def _boot_entry(identifier: str, mode: str) -> tuple[str, ...]:
    fields = {
        "identifier": identifier,
        "device": "partition=C:",
        "path": "\\Windows\\system32\\winload.efi",
        "osdevice": "partition=C:",
        "systemroot": "\\Windows",
        **({"safeboot": _MODES.get(mode, mode)} if mode else {}),
    }
    lines = [f"{name:<24}{value}" for name, value in fields.items()]
    return ("", "Windows Boot Loader", "-------------------", *lines)


def _image_servicing(session: Session, words: list[str]) -> Ended:
    """dism /online /remove-package /packagename:NAME /quiet /norestart."""
    given = [word.lower() for word in words]
    names = [word.partition(":")[2] for word in words if word.lower().startswith("/packagename:")]
    flags = {word for word in given if not word.startswith("/packagename:")}
    if flags != {"/online", "/remove-package", "/quiet", "/norestart"} or len(names) != 1:
        raise _strange("dism", words)
    update = registry.update_of(names[0])
    updates = session.machine.state.setdefault("updates", set())
    if update not in updates:
        return Ended(_NO_PACKAGE)
    updates.remove(update)
    return Ended(_NEEDS_RESTART)


def _update_installer(session: Session, words: list[str]) -> Ended:
    """wusa /uninstall /kb:NUMBER /quiet /norestart: there is no way in here from which Windows would let it."""
    given = {word.lower() for word in words}
    numbers = {word for word in given if re.fullmatch(r"/kb:\d{1,10}", word)}
    if given - numbers != {"/uninstall", "/quiet", "/norestart"} or len(numbers) != 1:
        raise _strange("wusa", words)
    return Ended(_NOT_IN_SAFE_MODE if session.is_safe_mode else _REFUSED_REMOTELY)


def _shutdown(session: Session, words: list[str]) -> Ended:
    """shutdown /r [/t seconds] [/f] [/d reason]: the restart comes later."""
    given = [f"/{word[1:].lower()}" if word[:1] in {"-", "/"} else word.lower() for word in words]
    delay, flags = "30", []
    while given:
        word = given.pop(0)
        if word in {"/t", "/d", "/c"} and given:
            value = given.pop(0)
            delay = value if word == "/t" else delay
        else:
            flags.append(word)
    known = delay.isascii() and delay.isdigit() and int(delay[:10]) <= _LONGEST_DELAY
    if "/r" not in flags or set(flags) - {"/r", "/f"} or not known:
        raise _strange("shutdown", words)
    session.later(session.waited + float(delay))
    return Ended(0)


def _another_powershell(session: Session, words: list[str]) -> Ended:
    """powershell -EncodedCommand: a script of a playbook, which is never run."""
    given = [word.lower() for word in words]
    flags = [word for word in given[:-2] if word not in {"none", "text", "bypass", "unrestricted"}]
    known = {"-noprofile", "-noninteractive", "-inputformat", "-outputformat", "-nologo", "-executionpolicy"}
    if given[-2:-1] != ["-encodedcommand"] or set(flags) - known:
        raise _strange("powershell", words)
    try:
        script = base64.b64decode(words[-1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return Ended(
            1,
            (),
            ("Cannot process the command because the value specified with -EncodedCommand is not properly encoded.",),
        )
    return _known_script(session, (script,))


def _command_processor(session: Session, words: list[str]) -> Ended:
    """cmd /d /c FILE: a script of a playbook, which is never run. It was sent with the line ends of Windows."""
    if [word.lower() for word in words[:-1]] != ["/d", "/c"]:
        raise _strange("cmd", words)
    try:
        _, node = disk.demand_file(session, disk.full_path(session, inward(words[-1])))
    except NetError as error:
        raise _strange("cmd", words) from error
    lines = node.content.decode("utf-8", "replace").replace("\r\n", "\n")
    return _known_script(session, (lines, lines.removesuffix("\n"), node.content.decode("utf-8", "replace")))


def _known_script(session: Session, forms: tuple[str, ...]) -> Ended:
    """What the host's fixture says that a script does; a script that it doesn't know fails and says so."""
    known = session.machine.state.get("scripts", {})
    digests = [hashlib.sha256(form.encode("utf-8", "surrogatepass")).hexdigest() for form in forms]
    effect = next((known[digest] for digest in digests if digest in known), None)
    if effect is None:
        return Ended(1, (f"this simulated host has no fixture that says what the script {digests[0]} does",))
    faults.apply(session.machine, effect.changes)
    return Ended(effect.exit_code, tuple(inward(line) for line in effect.stdout.splitlines()))


def _hostname(session: Session, words: list[str]) -> Ended:
    if words:
        raise _strange("hostname", words)
    return Ended(0, (inward(session.machine.spec.name),))


def _whoami(session: Session, words: list[str]) -> Ended:
    if words:
        raise _strange("whoami", words)
    return Ended(0, (inward(f"{session.machine.spec.name}\\{session.account}".lower()),))


_PROGRAMS: Mapping[str, Callable[[Session, list[str]], Ended]] = {
    "bcdedit": _boot_data,
    "dism": _image_servicing,
    "wusa": _update_installer,
    "shutdown": _shutdown,
    "powershell": _another_powershell,
    "cmd": _command_processor,
    "hostname": _hostname,
    "whoami": _whoami,
}
