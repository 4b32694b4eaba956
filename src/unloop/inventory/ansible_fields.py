"""What Ansible's variables of a host mean in our fields, and which of them we leave alone, with a warning."""

import re
from collections.abc import Mapping

from unloop.errors import Problem
from unloop.inventory.fields import is_known
from unloop.inventory.row import texts
from unloop.settings.schema import Settings

OUR_PREFIX = "unloop_"
_PASSWORD = re.compile(r"ansible_\w*pass(word)?")
_ADDRESSES = ("ansible_host", "ansible_ssh_host", "ansible_psrp_host", "ansible_winrm_host")
_PORTS = ("ansible_port", "ansible_ssh_port", "ansible_psrp_port", "ansible_winrm_port")
_USERS = ("ansible_user", "ansible_ssh_user", "ansible_psrp_user", "ansible_winrm_user")
_CHANNELS = {"winrm": "winrm", "psrp": "winrm", "ssh": "ssh", "paramiko": "ssh", "paramiko_ssh": "ssh", "smart": "ssh"}
_WINDOWS_SHELLS = {"powershell", "cmd"}


class FieldMapper:
    """Maps variables to fields, host by host, and sums up what it had to leave out."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._source = source
        self._by_username: dict[str, str] = {entry.username: name for name, entry in settings.credentials.items()}
        self._notes: dict[tuple[str, str], list[int | None]] = {}

    def fields(self, name: str, variables: Mapping[str, object], *, line: int | None) -> dict[str, str] | None:
        """The fields of one host, or None for one that can't be repaired from afar (``ansible_connection=local``)."""
        given = texts(variables)
        connection = given.get("ansible_connection", "")
        if connection == "local":
            self._note(f"{name} is left out: ansible_connection=local is this machine", "", line)
            return None
        channel = _channel(given)
        fields = _connection_fields(given, channel)
        if (user := _first(given, _USERS)) and (credential := self._credential(user, line)):
            fields["credential"] = credential
        for key, text in given.items():
            if _PASSWORD.fullmatch(key) and text:
                hint = "make it a credential of unloop.toml with a reference such as file:PATH"
                self._note(f"the password in {key} is ignored", hint, line)
            elif key == "ansible_ssh_private_key_file":
                self._note(f"{key} is ignored", "make it a credential of unloop.toml: key = 'file:PATH'", line)
        fields.update(_our_fields(given))
        if connection and channel is None and "channels" not in fields:
            self._note(f"ansible_connection={connection} is not known", "set unloop_channels", line)
        fields["name"] = name
        return fields

    def warnings(self) -> list[Problem]:
        """One warning for each thing left out, with the first place and how many hosts it concerns."""
        return [
            Problem(f"{what} ({len(lines)} hosts)" if len(lines) > 1 else what, self._source, lines[0], hint=hint)
            for (what, hint), lines in self._notes.items()
        ]

    def _credential(self, user: str, line: int | None) -> str:
        if user not in self._by_username:
            hint = "add one to unloop.toml, or set unloop_credential"
            self._note(f"no credential has the username {user!r} of ansible_user", hint, line)
        return self._by_username.get(user, "")

    def _note(self, what: str, hint: str, line: int | None) -> None:
        self._notes.setdefault((what, hint), []).append(line)


def _channel(given: Mapping[str, str]) -> str | None:
    """The channel that Ansible would use; its own default is SSH."""
    connection = given.get("ansible_connection", "").rpartition(".")[2]
    if connection:
        return _CHANNELS.get(connection)
    is_windows = any(key.startswith(("ansible_winrm_", "ansible_psrp_")) for key in given)
    return "winrm" if is_windows else "ssh"


def _connection_fields(given: Mapping[str, str], channel: str | None) -> dict[str, str]:
    fields: dict[str, str] = {}
    if address := _first(given, _ADDRESSES):
        fields["address"] = address
    on_windows = channel == "winrm" or given.get("ansible_shell_type", "") in _WINDOWS_SHELLS
    if channel is not None:
        fields["system"] = "windows" if on_windows else "linux"
    if on_windows and channel == "ssh":
        fields["channels"] = "ssh"
    port = _first(given, _PORTS)
    if port and channel is not None:
        fields[f"{channel}_port"] = port
    return fields


def _our_fields(given: Mapping[str, str]) -> dict[str, str]:
    """Our own fields, by their plain names or with ``unloop_`` before, which wins and must be right."""
    plain = {key: text for key, text in given.items() if key not in ("name", "groups") and is_known(key)}
    marked = {key: text for key, text in given.items() if key.startswith(OUR_PREFIX)}
    return plain | {_unmarked(key): text for key, text in marked.items()}


def _unmarked(key: str) -> str:
    """The field that ``unloop_FIELD`` means; an unknown one keeps its prefix, so that the message shows what was written."""
    name = key.removeprefix(OUR_PREFIX)
    return name if is_known(name) else key


def _first(given: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((given[name] for name in names if given.get(name)), "")
