"""IPMI messages in LAN format: a request to the BMC, and the response that answers exactly this one (IPMI 2.0, 13.8)."""

from dataclasses import dataclass

_BMC, _CONSOLE = 0x20, 0x81
"""Responder's slave address, and the software id of a remote console (table 5-4)."""
SEQUENCES = 64


@dataclass(frozen=True, slots=True)
class Command:
    """A network function, a command and its data. ``name`` is for people."""

    name: str
    network_function: int
    number: int
    data: bytes = b""


def request(command: Command, sequence: int) -> bytes:
    """The request with this requester's sequence number."""
    first = bytes([_BMC, command.network_function << 2])
    second = bytes([_CONSOLE, sequence << 2, command.number]) + command.data
    return first + _checksum(first) + second + _checksum(second)


def response(payload: bytes, command: Command, sequence: int) -> bytes | None:
    """Completion code and data of the response to that request; None for everything else."""
    if len(payload) < 8 or sum(payload[:3]) & 0xFF or sum(payload[3:]) & 0xFF:
        return None
    expected = bytes([_CONSOLE, (command.network_function | 1) << 2])
    if payload[:2] != expected or payload[3:6] != bytes([_BMC, sequence << 2, command.number]):
        return None
    return payload[6:-1]


def _checksum(data: bytes) -> bytes:
    """The two's complement of the sum (13.8)."""
    return bytes([-sum(data) & 0xFF])
