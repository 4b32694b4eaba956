"""A simulated BMC that speaks IPMI 2.0 over RMCP+: datagrams in, datagrams out, and a thin UDP shell."""

import asyncio
import os
import time
from typing import Any

from unloop.rehearsal import rmcp
from unloop.rehearsal.ipmi_commands import CLOSE_SESSION, GOOD, Call, Chassis, answer, expire_flags
from unloop.rehearsal.ipmi_session import SUITES, Session, Status, Suite
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.rmcp import Payload

HALF_OPEN, IDLE = 5.0, 60.0
"""After so many seconds without a message a log-on that never ended, or a session, gives up its place."""
_ADMINISTRATOR = 0x04


class IpmiBmc:
    """The BMC of one machine. It holds few sessions, and refuses a wrong password as firmware does: by RAKP."""

    def __init__(self, machine: Machine, *, sessions: int = 8, suites: tuple[Suite, ...] = SUITES) -> None:
        self._chassis = Chassis(machine)
        self._most = sessions
        self._suites = suites
        self._sessions: dict[int, Session] = {}

    @property
    def open_sessions(self) -> int:
        """Sessions that stand, and log-ons that were begun."""
        return len(self._sessions)

    def receive(self, datagram: bytes, now: float) -> bytes | None:
        """The answer to one datagram, None for those that a BMC drops."""
        packet = rmcp.parse(datagram)
        if packet is None:
            return None
        if isinstance(packet, rmcp.Ping):
            return rmcp.pong(packet)
        self._forget(now)
        expire_flags(self._chassis, now)
        if packet.session:
            return self._in_session(packet, now)
        if packet.payload_type == Payload.IPMI:
            return self._outside(packet, now)
        return self._log_on(packet, now)

    def _forget(self, now: float) -> None:
        for number, session in tuple(self._sessions.items()):
            if now - session.last_seen > (IDLE if session.is_active else HALF_OPEN):
                del self._sessions[number]

    def _outside(self, packet: rmcp.Packet, now: float) -> bytes | None:
        message = rmcp.parse_message(packet.payload)
        if message is None:
            return None
        call = Call(self._chassis, None, message.data, now)
        payload = rmcp.response(message, answer(message.network_function, message.command, call))
        return rmcp.plus(Payload.IPMI, payload) if packet.is_plus else rmcp.plain(payload)

    def _in_session(self, packet: rmcp.Packet, now: float) -> bytes | None:
        session = self._sessions.get(packet.session)
        clear = session.unseal(packet) if session is not None else None
        message = rmcp.parse_message(clear) if clear is not None else None
        if session is None or message is None:
            return None
        session.last_seen = now
        if (message.network_function, message.command) == CLOSE_SESSION:
            closing = int.from_bytes(message.data[:4], "little")
            code = GOOD if self._sessions.pop(closing, None) is not None else b"\x87"
            return session.seal(rmcp.response(message, code))
        call = Call(self._chassis, session, message.data, now)
        return session.seal(rmcp.response(message, answer(message.network_function, message.command, call)))

    def _log_on(self, packet: rmcp.Packet, now: float) -> bytes | None:
        payload = packet.payload
        if packet.payload_type == Payload.OPEN_REQUEST and len(payload) >= 32:
            return rmcp.plus(Payload.OPEN_RESPONSE, self._open(payload, now))
        if packet.payload_type == Payload.RAKP1 and len(payload) >= 28:
            return rmcp.plus(Payload.RAKP2, self._rakp1(payload, now))
        if packet.payload_type == Payload.RAKP3 and len(payload) >= 8:
            reply = self._rakp3(payload)
            return rmcp.plus(Payload.RAKP4, reply) if reply is not None else None
        return None

    def _open(self, payload: bytes, now: float) -> bytes:
        tag, console = payload[0], payload[4:8]
        wanted = (payload[12] & 0x3F, payload[20] & 0x3F, payload[28] & 0x3F)
        suite = next((suite for suite in self._suites if suite.algorithms == wanted), None)
        if suite is None:
            return bytes([tag, Status.NO_SUITE, 0, 0]) + console
        if len(self._sessions) >= self._most:
            return bytes([tag, Status.NO_RESOURCES, 0, 0]) + console
        number = int.from_bytes(os.urandom(4), "little") or 1
        self._sessions[number] = Session(number, int.from_bytes(console, "little"), suite, last_seen=now)
        head = bytes([tag, Status.GOOD, _ADMINISTRATOR, 0])
        return head + console + number.to_bytes(4, "little") + payload[8:32]

    def _rakp1(self, payload: bytes, now: float) -> bytes:
        tag, number = payload[0], int.from_bytes(payload[4:8], "little")
        session = self._sessions.get(number)
        if session is None:
            return bytes([tag, Status.BAD_SESSION, 0, 0]) + bytes(4)
        console = session.console.to_bytes(4, "little")
        spec = self._chassis.machine.spec
        name = payload[28 : 28 + payload[27]]
        if name != spec.bmc_username.encode():
            del self._sessions[number]
            return bytes([tag, Status.UNKNOWN_NAME, 0, 0]) + console
        if payload[24] & 0x0F > _ADMINISTRATOR:
            del self._sessions[number]
            return bytes([tag, Status.BAD_ROLE, 0, 0]) + console
        session.last_seen = now
        session.console_random = payload[8:24]
        session.who = payload[24:25] + payload[27:28] + name
        session.limit = payload[24] & 0x0F
        session.key = spec.bmc_password.encode()[:20].ljust(20, b"\0")
        return bytes([tag, Status.GOOD, 0, 0]) + console + session.rakp2(self._chassis.guid)

    def _rakp3(self, payload: bytes) -> bytes | None:
        tag, number = payload[0], int.from_bytes(payload[4:8], "little")
        session = self._sessions.get(number)
        if payload[1] != Status.GOOD:
            self._sessions.pop(number, None)
            return None
        if session is None or not session.key:
            return bytes([tag, Status.BAD_SESSION, 0, 0]) + bytes(4)
        console = session.console.to_bytes(4, "little")
        if not session.accepts(payload[8:]):
            del self._sessions[number]
            return bytes([tag, Status.BAD_CHECK_VALUE, 0, 0]) + console
        return bytes([tag, Status.GOOD, 0, 0]) + console + session.rakp4(self._chassis.guid)


class _Shell(asyncio.DatagramProtocol):
    def __init__(self, bmc: IpmiBmc) -> None:
        self._bmc = bmc
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        reply = self._bmc.receive(data, time.monotonic())
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


async def serve(machine: Machine, address: str, port: int) -> asyncio.DatagramTransport:
    """Answer IPMI for a machine until the transport is closed."""
    return await serve_with(IpmiBmc(machine), address, port)


async def serve_with(bmc: IpmiBmc, address: str, port: int) -> asyncio.DatagramTransport:
    """The same with a BMC of one's own."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Shell(bmc), local_addr=(address, port))
    return transport
