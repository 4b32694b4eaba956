"""``reg add`` and ``reg delete`` below HKEY_LOCAL_MACHINE: keys, and values that are text or numbers."""

import re
from collections.abc import Iterator

from unloop.rehearsal.cmd.paths import words
from unloop.rehearsal.cmd.state import Cmd
from unloop.rehearsal.faults import registry_key
from unloop.rehearsal.powershell.registry import Entry, has_key, make_key, put_value, value_at

DEFAULT = "(default)"
"""The name by which the nameless value of a key is kept."""
_DONE = "The operation completed successfully.\r\n"
_NOT_FOUND = "ERROR: The system was unable to find the specified registry key or value."
_HIVES = ("hklm\\", "hkey_local_machine\\")
_KINDS = {"reg_sz": "String", "reg_expand_sz": "ExpandString", "reg_dword": "DWord", "reg_qword": "QWord"}
_NUMBER = re.compile(r"0x[0-9a-f]{1,16}|[0-9]{1,20}", re.IGNORECASE)


class _Misused(Exception):
    """What this program does not do here; the message says what."""


def registry(cmd: Cmd, rest: str) -> None:
    """reg add KEY [/ve | /v NAME] [/t TYPE] [/d DATA] [/f], and reg delete KEY [/ve | /v NAME] /f."""
    given = words(rest)
    act = {"add": _add, "delete": _delete}.get(given[0].lower()) if len(given) > 1 else None
    if act is None:
        cmd.complain(f"reg: this simulated host does not know{rest.rstrip() or ' it without parameters'}", 1)
        return
    cmd.code = 0
    try:
        act(cmd, _key(given[1]), dict(_options(given[2:])))
    except _Misused as error:
        cmd.complain(str(error), 1)


def _key(text: str) -> str:
    hive = next((hive for hive in _HIVES if text.lower().startswith(hive)), "")
    key = text[len(hive) :].rstrip("\\")
    if not hive or not key or "\\\\" in key:
        raise _Misused("ERROR: Invalid key name.")
    return key


def _options(given: list[str]) -> Iterator[tuple[str, str]]:
    rest = iter(given)
    for word in rest:
        name = word.lower()
        if name in {"/v", "/t", "/d"}:
            yield name, next(rest, "")
        elif name in {"/ve", "/f"}:
            yield name, ""
        else:
            raise _Misused(f"reg: this simulated host does not know {word}")


def _name(options: dict[str, str]) -> str:
    if "/ve" in options and "/v" in options:
        raise _Misused("ERROR: Invalid syntax.")
    return options.get("/v", "") or (DEFAULT if "/ve" in options or "/v" in options else "")


def _add(cmd: Cmd, key: str, options: dict[str, str]) -> None:
    name = _name(options)
    if not name:
        make_key(cmd.machine, key)
        cmd.say(_DONE)
        return
    kind = _KINDS.get(options.get("/t", "reg_sz").lower())
    if kind is None:
        raise _Misused(f"reg: this simulated host does not know the type {options['/t']}")
    if value_at(cmd.machine, key, name) is not None and "/f" not in options:
        # It asks whether to overwrite, and nobody is there to say yes.
        cmd.say(f"Value {options.get('/v', '')} exists, overwrite(Yes/No)? ")
        cmd.code = 1
        return
    put_value(cmd.machine, key, Entry(name, kind, _content(kind, options.get("/d", ""))))
    cmd.say(_DONE)


def _content(kind: str, data: str) -> str | int:
    if kind not in {"DWord", "QWord"}:
        return data
    number = int(data, 16 if data[:2].lower() == "0x" else 10) if _NUMBER.fullmatch(data) else -1
    if not 0 <= number < 1 << (32 if kind == "DWord" else 64):
        raise _Misused("ERROR: Invalid syntax. Specify valid numeric value for '/d'.")
    return number


def _delete(cmd: Cmd, key: str, options: dict[str, str]) -> None:
    name = _name(options)
    if "/f" not in options:
        # It asks for permission, and nobody is there to give it.
        cmd.say("Permanently delete the registry value (Yes/No)? ")
        cmd.code = 1
        return
    is_there = value_at(cmd.machine, key, name) is not None if name else has_key(cmd.machine, key)
    if not is_there:
        raise _Misused(_NOT_FOUND)
    wanted = registry_key(f"HKLM\\{key}\\{name}")
    state = cmd.machine.state
    for path in list(state.get("registry", {})):
        found = registry_key(re.sub(r"^HKEY_LOCAL_MACHINE\\", r"HKLM\\", path, flags=re.IGNORECASE))
        if found == wanted or (not name and found.startswith(wanted)):
            del state["registry"][path]
    if name:
        make_key(cmd.machine, key)
    else:
        kept = {path for path in state.get("registry_keys", ()) if not registry_key(f"{path}\\").startswith(wanted)}
        state["registry_keys"] = kept
    cmd.say(_DONE)
