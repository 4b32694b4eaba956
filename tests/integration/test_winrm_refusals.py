"""How the WinRM channel judges a 401, against a web server that plays the host's half of the NTLM exchange."""

import base64
import contextlib
import re
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from spnego._ntlm_raw.messages import Challenge, NegotiateFlags

import peers
from unloop.channels.base import Deadline, Target
from unloop.channels.strike.registry import library_strike_for
from unloop.channels.winrm import WinrmChannel
from unloop.errors import (
    AccessDenied,
    ChannelError,
    DeadlineExceeded,
    InputError,
    LogonRefused,
    LogonUndecided,
    ProtocolError,
    Unsupported,
)
from unloop.model.order import Order, Shell
from unloop.secrets.secret import Credential, Secret

CANARY = "canary-Passw0rd"
ADDRESS = "127.0.0.15"
FLAGS = (
    NegotiateFlags.key_128
    | NegotiateFlags.key_56
    | NegotiateFlags.key_exch
    | NegotiateFlags.extended_session_security
    | NegotiateFlags.always_sign
    | NegotiateFlags.ntlm
    | NegotiateFlags.sign
    | NegotiateFlags.seal
    | NegotiateFlags.unicode
    | NegotiateFlags.target_info
    | NegotiateFlags.request_target
    | NegotiateFlags.target_type_server
)


class Host(ThreadingHTTPServer):
    """A host that answers every proof with one status; it counts the proofs."""

    daemon_threads = True
    offers = "Negotiate"
    challenges = True
    status = 401
    proofs = 0


class Handler(BaseHTTPRequestHandler):
    """401, then a challenge, then the host's status."""

    protocol_version = "HTTP/1.1"
    server: Host

    def do_POST(self) -> None:
        """Answer one message of the exchange."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = re.match(r"Negotiate (.+)", self.headers.get("Authorization", ""))
        token = base64.b64decode(found[1]) if found else b""
        if token[8:9] == b"\x03":
            self.server.proofs += 1
            self._answer(self.server.status, "Negotiate")
        elif token and self.server.challenges:
            info = Challenge(FLAGS, b"12345678", target_name="HOST", target_info=None).pack()
            self._answer(401, f"Negotiate {base64.b64encode(info).decode()}")
        else:
            self._answer(401, self.server.offers)

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""

    def _answer(self, status: int, offers: str) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", offers)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextlib.contextmanager
def host(**settings: Any) -> Iterator[Host]:
    """The server for the length of a with block."""
    server = Host((ADDRESS, 0), Handler)
    for name, value in settings.items():
        setattr(server, name, value)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


def failure(server: Host, *, is_local: bool = True, **options: str) -> ChannelError:
    """What open() raises."""
    credential = Credential("c", "operator", Secret(CANARY), "a", is_local=is_local)
    target = Target("host-1", ADDRESS, server.server_port, credential, options)
    with pytest.raises(ChannelError) as caught, WinrmChannel(target, Deadline.after(10)):
        pass
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
def test_a_judged_proof_is_refused_after_exactly_one(auth: str) -> None:
    """A 401 after the whole proof is LogonRefused, and the proof was sent once."""
    with host() as server:
        assert type(failure(server, auth=auth)) is LogonRefused
        assert server.proofs == 1


def test_a_domain_account_s_401_is_undecided() -> None:
    """A host answers 401 also when no domain controller was up, so for a domain account nobody may have judged."""
    with host() as server:
        assert type(failure(server, is_local=False, auth="ntlm")) is LogonUndecided
        assert server.proofs == 1


@pytest.mark.parametrize("settings", [{"challenges": False}, {"offers": "Basic realm=x"}, {"offers": ""}])
def test_a_401_before_the_proof_is_undecided(settings: dict[str, Any]) -> None:
    """A host that never took the proof has judged nothing, and the proof was never sent."""
    with host(**settings) as server:
        assert type(failure(server)) is LogonUndecided
        assert server.proofs == 0


@pytest.mark.parametrize(("status", "error"), [(403, AccessDenied), (404, Unsupported), (500, ProtocolError)])
def test_other_answers_to_the_proof(status: int, error: type[ChannelError]) -> None:
    """Another status than 401 is no judgement of the credential, and nothing is sent twice."""
    with host(status=status) as server:
        assert type(failure(server)) is error
        assert server.proofs == 1


def test_https_to_a_silent_peer_ends_with_the_deadline() -> None:
    """A peer that never answers the TLS hello costs the deadline only."""
    credential = Credential("c", "operator", Secret(CANARY), "a")
    with peers.peer(peers.silent, ADDRESS) as port:
        channel = WinrmChannel(Target("h", ADDRESS, port, credential, {"ssl": "true"}), Deadline.after(0.7))
        with pytest.raises(DeadlineExceeded), channel:
            pass


@pytest.mark.parametrize(
    "options",
    [
        {"auth": "basic", "ssl": "false"},
        {"auth": "certificate", "ssl": "false"},
        {"auth": "magic"},
        {"ssl": "perhaps"},
        {"cert_validation": "sha256:12"},
    ],
)
def test_options_that_would_be_unsafe_or_unknown(options: dict[str, str]) -> None:
    """Basic and certificate log-on are refused without TLS, unknown values always, before anything is sent."""
    with pytest.raises(InputError):
        WinrmChannel(Target("h", ADDRESS, 1, None, options), Deadline.after(1))


@pytest.mark.parametrize(
    ("options", "port"), [({}, 5985), ({"ssl": "true"}, 5986), ({"auth": "basic"}, 5986), ({"ssl": "false"}, 5985)]
)
def test_the_default_port_follows_tls(options: dict[str, str], port: int) -> None:
    """Without a port in the target it is 5986 for HTTPS and 5985 for HTTP."""
    assert WinrmChannel(Target("h", ADDRESS, 0, None, options), Deadline.after(1)).port == port


def test_the_library_carries_powershell_only() -> None:
    """Where our own strike can't be used, WinRM carries an order that has a PowerShell form."""
    library = library_strike_for("winrm")
    assert library is not None
    assert library.can_carry(Order(digest="d", programs={Shell.POWERSHELL: "1"}))
    assert not library.can_carry(Order(digest="d", files=(), programs={Shell.SH: "1"}))
