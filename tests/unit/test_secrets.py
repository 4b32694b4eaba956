"""Secrets: read from where the references point, and never shown by anything."""

import copy
import json
import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest

from unloop.errors import SecretError
from unloop.model.host import Endpoint, Host
from unloop.secrets import env, file, keyring
from unloop.secrets.resolve import Credentials, account, accounts_of, resolve, unreadable
from unloop.secrets.secret import Credential, Secret
from unloop.settings.schema import CredentialSettings, Settings

CANARY = "s3cr3t-canary-value"


def secret_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    """A file with that content and mode."""
    path.write_bytes(content)
    path.chmod(mode)
    return path


def settings_with(**entries: CredentialSettings) -> Settings:
    """Settings that hold only credentials."""
    return Settings(credentials=entries)


def test_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set variable gives its value; an unset and an empty one are errors that say which."""
    monkeypatch.setenv("UNLOOP_TEST", CANARY)
    assert env.read("UNLOOP_TEST").reveal() == CANARY
    monkeypatch.setenv("UNLOOP_TEST", "")
    with pytest.raises(SecretError, match="UNLOOP_TEST is empty"):
        env.read("UNLOOP_TEST")
    monkeypatch.delenv("UNLOOP_TEST")
    with pytest.raises(SecretError, match="UNLOOP_TEST is not set"):
        env.read("UNLOOP_TEST")


@pytest.mark.parametrize(
    ("content", "expected"), [(b"a", "a"), (b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a ")]
)
def test_file_loses_one_newline_only(tmp_path: Path, content: bytes, expected: str) -> None:
    """The newline that editors add is cut, nothing else."""
    assert file.read(str(secret_file(tmp_path / "s", content))).reveal() == expected


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """A file that group or others can open is refused, with the command that puts it right."""
    path = secret_file(tmp_path / "s", CANARY.encode(), mode)
    with pytest.raises(SecretError, match=f"chmod 600 {path}") as caught:
        file.read(str(path))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff" + CANARY.encode(), b"x" * ((1 << 20) + 1)])
def test_unusable_files_are_refused_without_showing_them(tmp_path: Path, content: bytes) -> None:
    """Empty, binary and huge files are errors; neither the text nor a chained error holds the content."""
    path = secret_file(tmp_path / "s", content)
    with pytest.raises(SecretError) as caught:
        file.read(str(path))
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_missing_file_directory_and_pipe(tmp_path: Path) -> None:
    """What isn't there, or isn't a file, is an error that names the path."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(SecretError, match=str(path)):
            file.read(str(path))


def test_keyring() -> None:
    """The keyring is asked for the user of a service; no password is an error."""
    library = pytest.importorskip("keyring")

    class Memory(library.backend.KeyringBackend):  # type: ignore[name-defined,misc]
        """A keyring of one entry."""

        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            """The one password."""
            return CANARY if (service, username) == ("unloop", "admin") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            """Nothing is kept."""

    before = library.get_keyring()
    library.set_keyring(Memory())
    try:
        assert keyring.read("unloop/admin").reveal() == CANARY
        with pytest.raises(SecretError, match="no password of root for unloop"):
            keyring.read("unloop/root")
        with pytest.raises(SecretError, match="keyring:SERVICE/USERNAME"):
            keyring.read("unloop")
    finally:
        library.set_keyring(before)


def test_credentials_are_resolved_once(tmp_path: Path) -> None:
    """A secret is read when first needed and kept: changing the file afterwards changes nothing."""
    path = secret_file(tmp_path / "s", CANARY.encode())
    credentials = Credentials(settings_with(admin=CredentialSettings("Administrator", password=f"file:{path}")))
    first = credentials.get("admin", "ws-1")
    path.unlink()
    assert credentials.get("admin", "ws-2").password == first.password
    assert (first.username, first.is_local, first.key) == ("Administrator", True, None)


def test_a_reference_can_name_the_host(tmp_path: Path) -> None:
    """{host} in a reference stands for the host's name, and no name can lead out of the directory."""
    for name in ("ws-1", "ws-2"):
        secret_file(tmp_path / name, name.encode())
    credentials = Credentials(
        settings_with(laps=CredentialSettings("Administrator", password=f"file:{tmp_path}/{{host}}"))
    )
    assert [credentials.get("laps", name).password.reveal() for name in ("ws-1", "ws-2")] == ["ws-1", "ws-2"]
    with pytest.raises(SecretError, match="can't stand for"):
        credentials.get("laps", "../ws-1")


def test_accounts_are_what_can_be_locked_out() -> None:
    """A domain account is one everywhere; a local one is one for each host, and another on its BMC."""
    domain = CredentialSettings(r"CORP\Svc")
    local = CredentialSettings(r".\Admin")
    forced = CredentialSettings("svc", local=False)
    assert [account(domain, host) for host in ("a", "b")] == [r"corp\svc", r"corp\svc"]
    assert [account(local, host) for host in ("A", "b")] == [r"a\admin", r"b\admin"]
    assert account(local, "a", of_bmc=True) == r"a/bmc\admin"
    assert account(forced, "a") == "svc"


def test_the_accounts_of_hosts_are_those_that_may_log_on_to_them() -> None:
    """What a retry allows again: the domain's, the local ones of these hosts, and those of their BMCs apart."""
    settings = settings_with(
        admin=CredentialSettings(username="Administrator"),
        domain=CredentialSettings(username="CORP\\fix"),
        other=CredentialSettings(username="CORP\\other"),
        oob=CredentialSettings(username="root"),
    )
    host = Host(
        "WS-1",
        "192.0.2.1",
        endpoints=(Endpoint("smb", "192.0.2.1", credentials=("admin", "domain", "unknown")),),
        bmc=Endpoint("ipmi", "192.0.2.2", credentials=("oob",)),
    )

    assert accounts_of(settings, [host]) == {"ws-1\\administrator", "corp\\fix", "ws-1/bmc\\root"}


def test_secrets_that_can_t_be_read_are_told_once_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything begins: a variable that is not set, and the file of every host that has none."""
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)
    settings = settings_with(
        admin=CredentialSettings(username="admin", password="env:ADMIN_PASSWORD"),
        own=CredentialSettings(username="root", password=f"file:{tmp_path}/{{host}}"),
    )
    secret_file(tmp_path / "ws-1", b"there")
    hosts = [
        Host(name, "192.0.2.1", endpoints=(Endpoint("smb", "192.0.2.1", credentials=("admin", "own", "unknown")),))
        for name in ("ws-1", "ws-2", "ws-3")
    ]
    found = unreadable(settings, hosts)

    assert len(found) == 3
    assert found[0] == "the password of credential 'admin': the environment variable ADMIN_PASSWORD is not set"
    assert ["ws-1" in text for text in found] == [False] * 3


def test_unknown_credential_has_a_suggestion() -> None:
    """A misspelt credential is an error that names the nearest one."""
    with pytest.raises(SecretError, match="did you mean 'local-admin'"):
        Credentials(settings_with(**{"local-admin": CredentialSettings("a")})).get("local-admim", "ws-1")


@pytest.mark.parametrize("reference", [CANARY, f"x:{CANARY}", f"{CANARY}:x", f":{CANARY}"])
def test_what_is_no_reference_is_not_shown(reference: str) -> None:
    """A password where a reference should be is refused without repeating any part of it."""
    with pytest.raises(SecretError, match="env:, file:") as caught:
        resolve(reference)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_errors_name_the_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that can't be read says which credential wanted it."""
    monkeypatch.delenv("UNLOOP_TEST", raising=False)
    with pytest.raises(SecretError, match="password of credential 'admin': the environment variable UNLOOP_TEST"):
        Credentials(settings_with(admin=CredentialSettings("a", password="env:UNLOOP_TEST"))).get("admin", "h")


def test_nothing_shows_the_canary(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """repr, str, format, logging, tracebacks, JSON, copies and pickles of whatever holds a secret never show it."""
    monkeypatch.setenv("UNLOOP_TEST", CANARY)
    entry = CredentialSettings("a", password="env:UNLOOP_TEST", key="env:UNLOOP_TEST")
    credentials = Credentials(settings_with(a=entry))
    credential = credentials.get("a", "ws-1")
    holders: list[object] = [credential.password, credential, credentials, [credential], {"c": credential}]
    shown = [f"{credential.password:>4} {credential.password!s:>4}"]
    shown += [f"{holder} {holder!r}" for holder in holders]
    shown.append("%s %r" % (credential, credential))  # noqa: UP031
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").info("held %s %r", credential, credentials, extra={"credential": credential})
    shown.append(caplog.text)
    shown.append(json.dumps(credential, default=str))
    with pytest.raises(ValueError, match="a") as caught:
        int(str(credential))
    shown.append("".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()))
    assert CANARY not in "".join(shown)
    for holder in holders:
        with pytest.raises(TypeError):
            pickle.dumps(holder)
    assert copy.deepcopy(credential.password).reveal() == CANARY


def test_formatting_a_secret_pads_the_stars() -> None:
    """A format specification applies to the stars, so that a table can hold a secret's column."""
    assert f"{Secret(CANARY)!s:>5}" == "  ***"
    assert repr(Credential("n", "u", Secret(CANARY), "a", key=Secret(CANARY))).count("***") == 2
