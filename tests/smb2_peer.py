"""A simulated SMB server without a socket for exchanges of ours, with somebody in between who can change what it says."""

import struct
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from exchanges import begun, told
from unloop.channels.base import Target
from unloop.channels.smb_options import SmbOptions
from unloop.channels.strike.exchange import Exchange
from unloop.channels.strike.smb2.exchange import SmbExchange
from unloop.channels.strike.smb2.wire import HEADER, SEALED, SIGNED, Answer, Command, DirectTcp, answers_in
from unloop.errors import ConnectionLost
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Order
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.ntlm import Account
from unloop.rehearsal.smb.server import SmbServer
from unloop.rehearsal.smb.state import Host
from unloop.rehearsal.smb.status import Hangup
from unloop.secrets.secret import Credential, Secret

PASSWORD = "canary-Passw0rd"
HEAD = bytes.fromhex("aaaaaaaa01002301")
FAULTY = HEAD + bytes(300_000)
AT = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
DRIVERS = r"C:\Windows\drivers"
QUARANTINE = r"C:\unloop-quarantine\c1"
ACCOUNT = Account.of("Administrator", PASSWORD)
Landed = tuple[RemedyReport, BootIdentity | None]
Edit = Callable[["Peer", Answer], Iterable[bytes]]
"""What becomes of one answer: any number of frames."""


def tree(*names: str, content: bytes = FAULTY, page_file: bool = True) -> FileTree:
    """A volume with these files among its drivers."""
    files = FileTree(case_sensitive=False)
    files.make_directory(("Windows", "drivers"), modified=AT)
    for name in names:
        files.write(("Windows", "drivers", name), content, modified=AT)
    if page_file:
        files.write(("pagefile.sys",), b"", modified=AT)
    return files


def names(files: FileTree, *directory: str) -> list[str]:
    """What a directory holds."""
    return [node.name for node in files.children(directory or ("Windows", "drivers"))]


def quarantined(files: FileTree) -> list[bytes]:
    """The contents of the files in quarantine; none when there is no quarantine."""
    place = ("unloop-quarantine", "c1")
    return [node.content for node in files.children(place)] if files.exists(place) else []


def guarded(pattern: str = "C-00000291*.sys", *, header: bool = False, **more: Any) -> Order:
    """Quarantine what a pattern means and the guard accepts."""
    guard = FileGuard(header=HEAD.hex() if header else "", modified_from=AT, modified_before=AT.replace(hour=5))
    return order(FileOrder("v", Disposition.QUARANTINE, rf"{DRIVERS}\{pattern}", guard, quarantine=QUARANTINE), **more)


def exact(name: str = "bad.sys", disposition: Disposition = Disposition.QUARANTINE) -> Order:
    """Take one file away by its name, whatever it is."""
    return order(FileOrder("v", disposition, rf"{DRIVERS}\{name}", quarantine=QUARANTINE))


def order(*orders: FileOrder, **more: Any) -> Order:
    """An order of file operations."""
    return Order(digest="d", files=orders, **more)


def exchange(wanted: Order, *, password: str = PASSWORD, options: SmbOptions | None = None, **more: Any) -> SmbExchange:
    """An exchange with the one account of the simulated host."""
    credential = Credential("c", "Administrator", Secret(password), "a")
    return SmbExchange(Target("host-1", "192.0.2.1", 445, credential), wanted, options or SmbOptions(), **more)


@dataclass
class Peer:
    """The host. ``sent`` counts its flights, ``overdrawn`` the requests that came before they were granted."""

    files: FileTree
    edit: Edit | None = None
    sent: int = 0
    overdrawn: int = 0
    commands: list[int] = field(default_factory=list)
    _granted: int = 1
    _framer: DirectTcp = field(default_factory=lambda: DirectTcp(16 * 1024 * 1024))

    def __post_init__(self) -> None:
        self.server = SmbServer(Host(self.files, ACCOUNT, "ws-1", bytes(range(16))))

    def take(self, flight: bytes) -> list[bytes]:
        """The frames that a flight is answered with; none when the host hangs up."""
        self.sent += 1
        self._framer.feed(flight)
        answers: list[bytes] = []
        while (frame := self._framer.next()) is not None:
            self._count(frame)
            try:
                answers += self._answers(self.server.feed(len(frame).to_bytes(4, "big") + frame))
            except Hangup:
                return []
        return answers

    def _count(self, frame: bytes) -> None:
        """Every request must have been granted before it was sent."""
        while frame and not frame.startswith(SEALED):
            fields = HEADER.unpack_from(frame)
            self.overdrawn += fields[8] >= self._granted
            self.commands.append(fields[4])
            frame = frame[fields[7] :] if fields[7] else b""

    def _answers(self, raw: bytes) -> list[bytes]:
        found: list[bytes] = []
        cut = DirectTcp()
        cut.feed(raw)
        while (frame := cut.next()) is not None:
            if frame.startswith(SEALED):
                found.append(frame)
                continue
            edited = [one for answer in answers_in(frame) for one in self.edit(self, answer)] if self.edit else [frame]
            self._granted += sum(answer.credits for one in edited for answer in _readable(one))
            found += edited
        return found

    def signed(self, message: bytes) -> bytes:
        """One answer by itself, signed anew where it was signed."""
        bare = message[:20] + bytes(4) + message[24:48] + bytes(16) + message[64:]
        for session in self.server._connection.sessions.values():
            if session.shield is not None and message[16] & SIGNED:
                return session.shield.sign(bare)
        return bare

    def refusal(self, answer: Answer, status: int) -> bytes:
        """The answer as a failure with this status."""
        head = answer.message[:8] + struct.pack("<I", status) + answer.message[12:64]
        return self.signed(head + struct.pack("<HHIB", 9, 0, 0, 0))


def _readable(frame: bytes) -> list[Answer]:
    return list(answers_in(frame)) if frame.startswith(b"\xfeSMB") else []


def plain(peer: Peer, answer: Answer) -> list[bytes]:
    """Every answer in a frame of its own, as it is."""
    return [peer.signed(answer.message)]


def refusing(status: int, *commands: Command) -> Edit:
    """These commands fail with a status."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        return [peer.refusal(answer, status)] if answer.command in commands else plain(peer, answer)

    return edit


def hold(exchanged: Exchange[Landed], peer: Peer) -> Landed:
    """Carry an exchange out to its end; a host that says nothing more has hung up."""
    messages = exchanged.messages()
    waiting: deque[bytes] = deque()
    try:
        outgoing = begun(messages)
        while True:
            assert isinstance(outgoing, bytes)
            if outgoing:
                waiting.extend(peer.take(outgoing))
            if waiting:
                outgoing = told(messages, waiting.popleft())
            else:
                messages.throw(ConnectionLost("the host closed the connection"))
                raise AssertionError("it waits on a connection that is lost")
    except StopIteration as end:
        result: Landed = end.value
        return result
