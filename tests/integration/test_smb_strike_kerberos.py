"""Our own SMB exchange by Kerberos, with tickets of a real MIT KDC, against Samba's smbd."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kdc import PASSWORD, REALM, realm
from smb2_strike import carried_out
from smbd import Smbd, smbd
from unloop.channels.base import Target
from unloop.channels.smb_options import SmbOptions
from unloop.channels.strike.kerberos import KerberosAuthenticator
from unloop.channels.strike.smb2.exchange import SmbExchange
from unloop.errors import LogonRefused, LogonUndecided
from unloop.model.files import Disposition, FileOrder
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.secrets.secret import Credential, Secret

HOST = "ws-1.unloop.test"


@dataclass(frozen=True)
class Realm:
    """A member of the realm, and what makes a server one."""

    server: Smbd
    settings: tuple[str, ...]


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """smbd with the keys of its service."""
    home = tmp_path_factory.mktemp("realm")
    directory = tmp_path_factory.mktemp("smb")
    with realm(home, "root", f"cifs/{HOST}") as keytab:
        settings = (
            f"realm = {REALM}",
            "kerberos method = dedicated keytab",
            f"dedicated keytab file = FILE:{keytab}",
            "gensec:require_pac = false",
            "server min protocol = SMB2_02",
        )
        with smbd(directory, *settings, address="127.0.0.61") as server:
            yield Realm(server, settings)


def prepared(server: Smbd, *, password: str = PASSWORD, host: str = HOST) -> KerberosAuthenticator:
    """A log-on with its ticket."""
    credential = Credential("c", f"{server.username}@{REALM}", Secret(password), "a", is_local=False)
    found = KerberosAuthenticator(credential, host)
    found.prepare()
    return found


def strike(server: Smbd, authenticator: KerberosAuthenticator, **more: Any) -> tuple[Verdict, int, str]:
    """Quarantine one file; verdict, flights and dialect."""
    (server.root / "bad.sys").write_bytes(b"bad")
    quarantine = f"C:\\q\\{len(list(server.root.rglob('*')))}"
    order = Order(digest="d", files=(FileOrder("v", Disposition.QUARANTINE, "C:\\bad.sys", quarantine=quarantine),))
    options = SmbOptions(require_encryption=more.pop("require_encryption", False), auth="kerberos")
    target = Target("host-1", server.address, server.port)
    exchange = SmbExchange(target, order, options, authenticator=authenticator, **more)
    found = carried_out(exchange, server.address, server.port)
    return found.report.verdict, found.flights, found.agreement.dialect


@pytest.mark.parametrize("dialect", [0x202, 0x210, 0x300, 0x302, 0x311])
@pytest.mark.parametrize(("pipelines", "flights"), [(False, 3), (True, 2)])
def test_one_message_logs_on(member: Realm, dialect: int, pipelines: bool, flights: int) -> None:
    """With a ticket the log-on is one step: the third flight moves the file, or the second."""
    verdict, count, _ = strike(member.server, prepared(member.server), dialects=(dialect,), pipelines=pipelines)
    assert (verdict, count) == (Verdict.LANDED, flights)


@pytest.mark.parametrize("cipher", ["aes-128-gcm", "aes-256-gcm", "aes-256-ccm"])
def test_the_key_of_a_ticket_seals(member: Realm, tmp_path: Path, cipher: str) -> None:
    """Ciphers of 256 bits take the whole key of the log-on, which Kerberos has."""
    setting = f"server smb3 encryption algorithms = {cipher}"
    with smbd(tmp_path, *member.settings, setting, address="127.0.0.62") as server:
        found = strike(server, prepared(server), require_encryption=True)
    assert found == (Verdict.LANDED, 3, "3.1.1")


def test_a_log_on_is_fresh_each_time(member: Realm) -> None:
    """One authenticator that was prepared serves one exchange after the other."""
    authenticator = prepared(member.server)
    assert [strike(member.server, authenticator)[0] for _ in range(2)] == [Verdict.LANDED] * 2


def test_the_domain_controller_judges_the_password(member: Realm) -> None:
    """A wrong one is refused before the host is there; a host that nobody knows leaves it undecided."""
    with pytest.raises(LogonRefused) as caught:
        prepared(member.server, password="canary-wrong")
    assert "canary-wrong" not in str(caught.value)
    with pytest.raises(LogonUndecided):
        prepared(member.server, host="ws-2.unloop.test")


def test_without_a_ticket_nothing_is_sent(member: Realm) -> None:
    """The exchange does not wait for a domain controller."""
    credential = Credential("c", f"root@{REALM}", Secret(PASSWORD), "a", is_local=False)
    with pytest.raises(LogonUndecided):
        strike(member.server, KerberosAuthenticator(credential, HOST))
