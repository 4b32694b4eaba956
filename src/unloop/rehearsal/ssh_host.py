"""The SSH server of a simulated host: log-on, SFTP over its tree, and a shell that is an interpreter of ours.

Nothing that a client sends is ever run on the operator's machine: SFTP acts on the tree in memory, and commands are read by
``posix``, which knows no other files and no other programs than its own. Forwarding of any kind is refused.
"""

import hmac
import socket
from functools import partial

import asyncssh

from unloop.rehearsal.gate import Serve
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ssh.session import run_command
from unloop.rehearsal.ssh.sftp import TreeServer

_KEY_EXCHANGE = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
)
_LOGON_SECONDS = 30


class Door(asyncssh.SSHServer):
    """Who may come in: the machine's one account, by its password or by a key in ``authorized_keys``."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def password_auth_supported(self) -> bool:
        """Passwords are taken."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Whether it is the account's password; a refusal is noted."""
        given, right = password.encode(), self._machine.spec.password.encode()
        is_right = self._is_account(username) and hmac.compare_digest(given, right)
        if not is_right:
            self._machine.note_refusal(username, "ssh")
        return is_right

    def public_key_auth_supported(self) -> bool:
        """Keys are taken."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is authorized; ``state['authorized_keys']`` is a text as OpenSSH keeps it."""
        text = str(self._machine.state.get("authorized_keys", ""))
        if not text or not self._is_account(username):
            return False
        return asyncssh.import_authorized_keys(text).validate(key, "", "", None) is not None

    def _is_account(self, username: str) -> bool:
        return username.casefold() == self._machine.spec.username.rpartition("\\")[2].casefold()


def host_key(machine: Machine) -> asyncssh.SSHKey:
    """The machine's host key, the same over all boots: ``state['ssh_host_key']``, made when there is none."""
    text = machine.state.get("ssh_host_key")
    if not text:
        made = asyncssh.generate_private_key("ssh-ed25519")
        text = machine.state["ssh_host_key"] = made.export_private_key().decode()
    return asyncssh.import_private_key(text)


def make_ssh(machine: Machine) -> Serve:
    """The server in front of a machine. Its options are made at the first connection: they cost more than one."""
    made: list[asyncssh.SSHServerConnectionOptions] = []

    async def serve(connection: socket.socket) -> None:
        if not made:
            made.append(await _options(machine))
        try:
            # the library ends its connection in its own time, so it gets a descriptor that nobody closes under it
            accepted = await asyncssh.run_server(connection.dup(), options=made[0])
        except asyncssh.Error:
            return
        try:
            await accepted.wait_closed()
        finally:
            accepted.abort()

    return serve


async def _options(machine: Machine) -> asyncssh.SSHServerConnectionOptions:
    options: asyncssh.SSHServerConnectionOptions = await asyncssh.SSHServerConnectionOptions.construct(
        server_factory=partial(Door, machine),
        server_host_keys=[host_key(machine)],
        server_version="OpenSSH_9.2p1",
        kex_algs=_KEY_EXCHANGE,
        encryption_algs=_CIPHERS,
        compression_algs=["none"],
        process_factory=partial(run_command, machine),
        sftp_factory=lambda channel: TreeServer(channel, machine),
        sftp_version=3,
        allow_scp=False,
        allow_pty=False,
        kbdint_auth=False,
        agent_forwarding=False,
        x11_forwarding=False,
        line_editor=False,
        encoding=None,
        gss_host=None,
        login_timeout=_LOGON_SECONDS,
    )
    return options
