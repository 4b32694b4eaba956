"""The RPC server at the end of one pipe, without a socket: bytes in, messages out (C706, chapter 12; [MS-RPCE] 3.3.3)."""

import struct
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from unloop.rehearsal.rpc.ndr import Reader
from unloop.rehearsal.rpc.pdu import (
    FIRST,
    HAS_OBJECT,
    LARGEST_FRAGMENT,
    LAST,
    SMALLEST_FRAGMENT,
    Broken,
    Fault,
    FaultStatus,
    Inbox,
    Kind,
    Pdu,
    fault,
    packed,
    response,
)

NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<I", 2)
"""C706, appendix I."""
_FEATURES = uuid.UUID("6cb71c2c-9812-4540-0000-000000000000").bytes_le[:8]
"""[MS-RPCE] 3.3.1.5.3: a transfer syntax that stands for a question about features."""
_LONGEST_STUB, _LONGEST_ANSWERS = 256 * 1024, 1024 * 1024
_MOST_CONTEXTS = 32
_SECURITY_UNKNOWN = 8
"""[MS-RPCE] 2.2.2.5, authentication_type_not_recognized."""

Operation = Callable[[Reader], bytes]


class Verdict(IntEnum):
    """What becomes of a proposed context, and why (C706, 12.6.3.1; [MS-RPCE] 2.2.2.4)."""

    ACCEPTED = 0
    REFUSED = 2
    FEATURES = 3


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface and its operations by their numbers; ``lost`` is called when the peer is gone."""

    identity: uuid.UUID
    version: tuple[int, int]
    operations: Mapping[int, Operation]
    lost: Callable[[], None] = lambda: None

    def is_meant_by(self, syntax: bytes) -> bool:
        """Whether an abstract syntax is this one, in a version that it can serve."""
        major, minor = struct.unpack_from("<HH", syntax, 16)
        return syntax[:16] == self.identity.bytes_le and major == self.version[0] and minor <= self.version[1]


class Association:
    """Serves some interfaces to one peer. ``address`` is the name of the pipe."""

    def __init__(self, interfaces: Sequence[Interface], address: str) -> None:
        self._interfaces, self._address = interfaces, address
        self._inbox = Inbox()
        self._contexts: dict[int, Interface] = {}
        self._room = 0
        self._parts = bytearray()
        self._call: tuple[int, int, int] | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that answer what has come in whole; raises Broken."""
        self._inbox.feed(data)
        answers: list[bytes] = []
        length = 0
        while (pdu := self._inbox.next()) is not None:
            answer = self._answer(pdu)
            length += sum(map(len, answer))
            if length > _LONGEST_ANSWERS:
                raise Broken("more questions at once than a peer can hear the answers of")
            answers += answer
        return answers

    def lost(self) -> None:
        """The peer is gone, and its handles with it."""
        for interface in self._interfaces:
            interface.lost()

    def _answer(self, pdu: Pdu) -> list[bytes]:
        if pdu.kind in {Kind.CANCEL, Kind.ORPHANED}:
            return []
        if pdu.has_security and pdu.kind == Kind.BIND:
            return [packed(Kind.BIND_NAK, pdu.call_id, struct.pack("<HBBB", _SECURITY_UNKNOWN, 1, 5, 0))]
        if pdu.has_security:
            raise Broken("security that was not agreed on")
        if pdu.kind == Kind.REQUEST and self._room:
            return self._request(pdu)
        if pdu.kind == Kind.BIND and not self._room:
            return [self._bind(pdu, Kind.BIND_ACK, f"\\PIPE\\{self._address}\0".encode("ascii"))]
        if pdu.kind == Kind.ALTER_CONTEXT and self._room:
            return [self._bind(pdu, Kind.ALTER_CONTEXT_RESPONSE, b"")]
        raise Broken(f"a PDU of kind {pdu.kind} where none belongs")

    def _bind(self, pdu: Pdu, kind: Kind, address: bytes) -> bytes:
        try:
            _, takes, _, count = struct.unpack_from("<HHIB", pdu.body)
            results = b"".join(self._results(pdu.body, count))
        except struct.error as error:
            raise Broken("a bind that is too short") from error
        self._room = self._room or max(SMALLEST_FRAGMENT, min(takes, LARGEST_FRAGMENT))
        head = struct.pack("<HHIH", LARGEST_FRAGMENT, self._room, 1, len(address)) + address
        return packed(kind, pdu.call_id, head + bytes(-len(head) % 4) + struct.pack("<Bxxx", count) + results)

    def _results(self, body: bytes, count: int) -> Iterator[bytes]:
        if count > _MOST_CONTEXTS:
            raise Broken("too many contexts")
        place = 12
        for _ in range(count):
            number, transfers = struct.unpack_from("<HB", body, place)
            syntaxes = [body[start : start + 20] for start in range(place + 4, place + 24 + 20 * transfers, 20)]
            if len(syntaxes[-1]) < 20:
                raise Broken("a context that is too short")
            place += 24 + 20 * transfers
            yield self._result(number, syntaxes[0], syntaxes[1:])

    def _result(self, number: int, abstract: bytes, transfers: list[bytes]) -> bytes:
        interface = next((known for known in self._interfaces if known.is_meant_by(abstract)), None)
        if any(transfer[:8] == _FEATURES for transfer in transfers):
            return struct.pack("<HH20x", Verdict.FEATURES, 0)
        if interface is None:
            return struct.pack("<HH20x", Verdict.REFUSED, 1)
        if NDR not in transfers:
            return struct.pack("<HH20x", Verdict.REFUSED, 2)
        self._contexts[number] = interface
        return struct.pack("<HH", Verdict.ACCEPTED, 0) + NDR

    def _request(self, pdu: Pdu) -> list[bytes]:
        """A call, once its last fragment is there (C706, 12.6.4.9)."""
        try:
            _, context, operation = struct.unpack_from("<IHH", pdu.body)
        except struct.error as error:
            raise Broken("a request that is too short") from error
        asked = pdu.call_id, context, operation
        if bool(pdu.flags & FIRST) is (self._call is not None) or self._call not in {None, asked}:
            raise Broken("fragments out of order")
        self._call = asked
        self._parts += pdu.body[24 if pdu.flags & HAS_OBJECT else 8 :]
        if len(self._parts) > _LONGEST_STUB:
            raise Broken("a call that is too long")
        if not pdu.flags & LAST:
            return []
        stub, self._parts, self._call = bytes(self._parts), bytearray(), None
        try:
            return response(pdu.call_id, context, self._carry_out(context, operation, stub), self._room)
        except Fault as error:
            return [fault(pdu.call_id, context, error.status)]

    def _carry_out(self, context: int, operation: int, stub: bytes) -> bytes:
        interface = self._contexts.get(context)
        if interface is None:
            raise Fault(FaultStatus.UNKNOWN_INTERFACE)
        if operation not in interface.operations:
            raise Fault(FaultStatus.NO_SUCH_OPERATION)
        return interface.operations[operation](Reader(stub))
