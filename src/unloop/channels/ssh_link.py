"""The connection below SSH: connect, check the host key, log on exactly once; paramiko's waits all end in time."""

import binascii
import io
import socket
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import lru_cache

import paramiko
from paramiko.agent import AgentKey
from paramiko.ssh_exception import IncompatiblePeer

from unloop.channels.base import Deadline
from unloop.channels.mapping import connecting
from unloop.channels.ssh_trust import HostKeyPolicy, KnownHosts
from unloop.errors import (
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    ProtocolError,
    Unsupported,
    UntrustedPeer,
)
from unloop.secrets.secret import Credential, Secret

CLOSED = ("closed", "not active", "No existing session", "Negotiation failed", "EOF")
"""Words of paramiko's for a connection that ended."""
KEY_CLASSES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


KEY_EXCHANGES = ("curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
CIPHERS, MACS = ("aes128-gcm@openssh.com", "aes128-ctr"), ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-256")
"""What is offered first, as far as paramiko has it: one round trip, and little work for either side."""

_QUICK: int | None = getattr(socket, "TCP_QUICKACK", None)


def dial(address: str, port: int, deadline: Deadline) -> socket.socket:
    """A new connection; raises ChannelError."""
    try:
        return socket.create_connection((address, port), timeout=deadline.left())
    except OSError as error:
        raise connecting(error) from error


class _Prompt(socket.socket):
    """A socket on which nothing is held back: no small packet of ours, and no acknowledgement of what has arrived.

    The sshd of OpenSSH 9.2 leaves Nagle's algorithm on until a session stands, so what it sends next may wait for an
    acknowledgement, which Linux delays by 40 ms unless it is told not to, again and again (tcp(7), TCP_QUICKACK).
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, length: int, flags: int = 0) -> bytes:
        """What has arrived."""
        data = super().recv(length, flags)
        if _QUICK is not None:
            self.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        return data


class SshLink:
    """One SSH connection, over a socket that it closes. A timer ends it at the deadline, whatever paramiko waits for."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self.deadline, self._sock = deadline, _Prompt(sock)
        try:
            self.transport = self._transport()
            self._timer = self._ticking(deadline)
        except BaseException:
            self._sock.close()
            raise

    def until(self, deadline: Deadline) -> None:
        """Let the connection end at another deadline, unless it has ended."""
        self._timer.cancel()
        self.deadline, self._timer = deadline, self._ticking(deadline)

    def negotiate(self, known: KnownHosts, policy: HostKeyPolicy) -> None:
        """Exchange keys and check that the host is the one that is meant."""
        self._ask_for_known_types(known)
        try:
            self.transport.start_client(timeout=self.deadline.left())
        except IncompatiblePeer as error:
            if known.key_types():
                raise UntrustedPeer(f"the host has no key of a type known from {known.path}") from error
            raise Unsupported(f"no algorithm in common: {error}") from error
        if not self.transport.is_active():
            raise ConnectionLost("the host closed the connection during the key exchange")
        self.deadline.left()
        known.check(self.transport.get_remote_server_key(), policy)

    def log_on(self, credential: Credential, *, agent: bool, agent_key: str) -> None:
        """One attempt with the one method that the credential stands for: key, agent, or password."""
        try:
            if credential.key:
                missing = self.transport.auth_publickey(credential.username, private_key(credential))
            elif agent:
                with closing(paramiko.Agent()) as held:
                    missing = self.transport.auth_publickey(credential.username, _agent_key(held, agent_key))
            else:
                password = credential.password.reveal()
                missing = self.transport.auth_password(credential.username, password, fallback=False)
        except paramiko.BadAuthenticationType as error:
            raise Unsupported(f"the host takes other ways to log on only: {', '.join(error.allowed_types)}") from error
        except paramiko.AuthenticationException as error:
            self.deadline.left()
            if not self.transport.is_active():
                raise ConnectionLost("the host closed the connection during the log-on") from error
            if "timeout" in str(error):
                raise DeadlineExceeded("the host did not judge the credential in time") from error
            raise _refusal(credential) from error
        if missing:
            raise Unsupported(f"the host wants a further proof that can't be given: {', '.join(missing)}")

    def channel(self) -> paramiko.Channel:
        """A new session channel that waits no longer than the deadline."""
        channel = self.transport.open_session(timeout=self.deadline.left())
        channel.settimeout(self.deadline.left())
        return channel

    def close(self) -> None:
        """End the connection."""
        self._timer.cancel()
        self._shut()
        self.transport.close()
        if self.transport.is_alive():
            self.transport.join(timeout=1)
        self._sock.close()

    def _ticking(self, deadline: Deadline) -> threading.Timer:
        timer = threading.Timer(deadline.left(), self._shut)
        timer.daemon = True
        timer.start()
        return timer

    def _shut(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _transport(self) -> paramiko.Transport:
        transport = paramiko.Transport(self._sock)
        left = self.deadline.left()
        transport.banner_timeout = transport.handshake_timeout = left
        transport.auth_timeout = transport.channel_timeout = transport.clear_to_send_timeout = left
        options = transport.get_security_options()
        options.kex = _with_first(KEY_EXCHANGES, options.kex)
        options.ciphers = _with_first(CIPHERS, options.ciphers)
        options.digests = _with_first(MACS, options.digests)
        return transport

    def _ask_for_known_types(self, known: KnownHosts) -> None:
        """Let the host show a key of a type that we know, as it may have several."""
        kinds = known.key_types()
        if not kinds:
            return
        options = self.transport.get_security_options()
        wanted = {*kinds, *({"rsa-sha2-512", "rsa-sha2-256"} if "ssh-rsa" in kinds else ())}
        offered = tuple(kind for kind in options.key_types if kind in wanted)
        if not offered:
            raise UntrustedPeer(f"the host's key in {known.path} is of a type that can't be used: {', '.join(kinds)}")
        options.key_types = offered


def _refusal(credential: Credential) -> LogonRefused | LogonUndecided:
    """What SSH_MSG_USERAUTH_FAILURE means (RFC 4252, 5.1): it has no word for why.

    A domain's account may be right and have no right to log on to this host, or the host no domain controller to ask.
    """
    if credential.is_local:
        return LogonRefused("the host refused the credential")
    return LogonUndecided("the log-on failed: refused, not allowed on this host, or no domain controller was there")


def _with_first(wanted: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    """The known names, those that are wanted first."""
    first = tuple(name for name in wanted if name in known)
    return (*first, *(name for name in known if name not in first))


def private_key(credential: Credential) -> paramiko.PKey:
    """The credential's private key, whatever its type; its password opens it when it is locked."""
    return _private_key(credential.key or Secret(""), credential.password)


@lru_cache(maxsize=256)
def _private_key(key: Secret, password: Secret) -> paramiko.PKey:
    """Read once in a process: an RSA key takes a tenth of a second to be checked, a locked one as long to be opened."""
    for kind in KEY_CLASSES:
        try:
            return kind.from_private_key(io.StringIO(key.reveal()), password.reveal() or None)
        except paramiko.PasswordRequiredException:
            break
        except (paramiko.SSHException, ValueError, IndexError, binascii.Error):
            continue
    raise LogonUndecided("the private key can't be read: neither Ed25519, ECDSA nor RSA, or locked by another password")


def _agent_key(held: paramiko.Agent, wanted: str) -> AgentKey:
    keys = held.get_keys()
    fitting = [key for key in keys if wanted in {"", key.comment, key.fingerprint}]
    if len(fitting) != 1:
        told = ", ".join(f"{key.comment} {key.fingerprint}" for key in fitting or keys) or "none"
        raise LogonUndecided(f"one key is to be tried; choose it with the option agent_key (the agent's keys: {told})")
    return fitting[0]


def meaning_of(error: Exception) -> ChannelError:
    """What an error of paramiko means that is no answer of the host's."""
    below = error.__cause__ or error.__context__ or error
    if isinstance(below, TimeoutError) or "imeout" in str(error):
        return DeadlineExceeded("no answer came within the time allowed")
    if isinstance(below, (EOFError, OSError)) or any(word in str(error) for word in CLOSED):
        return ConnectionLost("the host closed the connection")
    if isinstance(error, paramiko.SSHException) and "protocol version" not in str(error):
        return ProtocolError(f"{error}")
    return ProtocolError(f"the peer does not speak SSH, or its answer is garbled ({type(error).__name__})")
