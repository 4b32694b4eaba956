"""The SMB server of a simulated host: the sans-IO server of ``smb`` on the connections of its gate."""

import asyncio
import contextlib
import hashlib
import socket

from unloop.rehearsal.gate import Serve
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ntlm import Account
from unloop.rehearsal.smb.server import SmbServer
from unloop.rehearsal.smb.state import Host
from unloop.rehearsal.smb.status import Hangup

_CHUNK = 65536


def make_smb(machine: Machine) -> Serve:
    """The server in front of a machine's files; the one account is that of its specification."""
    spec = machine.spec
    account = Account.of(spec.username, spec.password)
    guid = hashlib.blake2b(spec.name.encode(), digest_size=16).digest()
    host = Host(machine.files, account, spec.name, guid, lambda name: machine.note_refusal(name, "smb"))

    async def serve(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        server = SmbServer(host)
        with contextlib.suppress(Hangup, ConnectionError):
            while data := await loop.sock_recv(connection, _CHUNK):
                answer = server.feed(data)
                if answer:
                    await loop.sock_sendall(connection, answer)
        server.lost()

    return serve
