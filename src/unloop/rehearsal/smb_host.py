"""The SMB server of a simulated host: the sans-IO server of ``smb`` on the connections of its gate."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace

from unloop.rehearsal.gate import Serve
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ntlm import Account
from unloop.rehearsal.rpc.association import Association
from unloop.rehearsal.rpc.lsa import make_lsa
from unloop.rehearsal.scm.database import Database
from unloop.rehearsal.scm.operations import ServiceControl
from unloop.rehearsal.smb.pipes import MakeServer
from unloop.rehearsal.smb.server import SmbServer
from unloop.rehearsal.smb.state import Host
from unloop.rehearsal.smb.status import Hangup
from unloop.rehearsal.this_boot import ThisBoot

_CHUNK = 65536


def make_smb(machine: Machine) -> Serve:
    """The server in front of a machine's files and its services; the one account is that of its specification."""
    spec = machine.spec
    account = Account.of(spec.username, spec.password)
    guid = hashlib.blake2b(spec.name.encode(), digest_size=16).digest()
    host = Host(machine.files, account, spec.name, guid, lambda name: machine.note_refusal(name, "smb"))

    async def serve(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        pauses: list[float] = []
        server = SmbServer(replace(host, pipes=pipes_of(machine, ThisBoot(machine).restart, pauses.append)))
        with contextlib.suppress(Hangup, ConnectionError):
            while data := await loop.sock_recv(connection, _CHUNK):
                answer = server.feed(data)
                # A service that is started keeps its client waiting, and whatever else that sends.
                await asyncio.sleep(sum(pauses))
                pauses.clear()
                if answer:
                    await loop.sock_sendall(connection, answer)
        server.lost()

    return serve


def pipes_of(
    machine: Machine, later: Callable[[float], None], pause: Callable[[float], None]
) -> Mapping[str, MakeServer]:
    """The pipes of a machine; ``later`` restarts it, ``pause`` is told how long an answer takes."""

    def services() -> Association:
        return Association([ServiceControl(Database(machine, later, pause)).interface()], "svcctl")

    def authority() -> Association:
        return Association([make_lsa(machine.spec.name)], "lsarpc")

    return {"svcctl": services, "lsarpc": authority}
