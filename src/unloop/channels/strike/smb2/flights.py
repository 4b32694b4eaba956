"""Flights: as many chains at once as the host's credits allow, the first of them along with the share's TREE_CONNECT.

Windows may work on separate messages in any order, but on one compound in order ([MS-SMB2] 3.3.5.2.7). So every chain is a
compound of its own, and as long as no share is open each opens it for itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unloop.channels.smb_status import (
    STATUS_ACCESS_DENIED,
    STATUS_FILE_CLOSED,
    STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER,
    STATUS_NETWORK_NAME_DELETED,
    STATUS_NETWORK_SESSION_EXPIRED,
    STATUS_USER_SESSION_DELETED,
    from_status,
    is_failure,
)
from unloop.channels.strike.exchange import Messages
from unloop.channels.strike.smb2.answers import Tree, tree
from unloop.channels.strike.smb2.chain import Chain
from unloop.channels.strike.smb2.line import Line
from unloop.channels.strike.smb2.requests import CURRENT, Request
from unloop.channels.strike.smb2.wire import Answer, Command
from unloop.errors import AccessDenied, ChannelError, ConnectionLost, NotFound, ProtocolError, Unsupported

_UNRELATED = frozenset(
    {
        STATUS_INVALID_PARAMETER,
        STATUS_INVALID_HANDLE,
        STATUS_FILE_CLOSED,
        STATUS_NETWORK_NAME_DELETED,
        STATUS_USER_SESSION_DELETED,
    }
)
"""What hosts say that don't take work in a share which the same compound was to open."""
_GONE = frozenset({STATUS_USER_SESSION_DELETED, STATUS_NETWORK_SESSION_EXPIRED})
"""What a host can only say without a signature."""
_RENAMES = Command.SET_INFO
REFUSED = "the host does not take requests ahead of its answers"


class NoCredit(ProtocolError):
    """The host lets us send nothing more on this connection; what it has answered stands."""


@dataclass(slots=True)
class Ahead:
    """What goes in front of a flight without waiting for its answer: the end of the log-on. ``land`` judges the answer."""

    frame: bytes
    number: int
    land: Callable[[Answer], None]


@dataclass(slots=True)
class _Leg:
    """One frame of a flight: for which chain, under which numbers, and whether it opens the share first."""

    chain: Chain
    numbers: range
    requests: Sequence[Request]
    opens_tree: bool

    @property
    def changing(self) -> int | None:
        """The number of the first request that changes the host; a directory that is made changes nothing that counts."""
        if not self.chain.changes:
            return None
        renames = (
            number for number, asked in zip(self.numbers, self.requests, strict=True) if asked.command == _RENAMES
        )
        return next(renames, self.numbers[0])


@dataclass(slots=True)
class Flights:
    """Flies chains over a line on which a session stands, or will by the time that the flight arrives.

    ``joins``: TREE_CONNECT goes in one compound with what follows; it turns false when the host does not take that.
    ``seals``: everything is sealed; ``seals_late``: the host said so only after the first flight. ``note`` is told what is
    in flight.
    """

    line: Line
    connect: Request
    share: str
    note: Callable[[str], None]
    joins: bool = True
    seals: bool = False
    seals_late: bool = False
    ahead: Ahead | None = None
    tree: Tree | None = field(default=None, init=False)
    _lost: ChannelError | None = field(default=None, init=False)

    def fly(self, chains: Sequence[Chain]) -> Messages[None]:
        """Send chains to their ends, whatever these are, and open the share where it is not.

        Spare ones go along as far as they fit, and wait for another flight where they don't.
        """
        needed = [chain for chain in chains if not chain.is_spare] or chains
        while any(chain.rest for chain in needed):
            if self._lost is not None:
                raise self._lost
            legs, outgoing = self._launched([chain for chain in chains if chain.rest])
            answers = yield from self._answered(legs, outgoing)
            is_ahead, self.ahead = self.ahead is not None, None
            for leg in legs:
                self._land(leg, [answers[number] for number in leg.numbers if number in answers], is_ahead=is_ahead)

    def _launched(self, chains: Sequence[Chain]) -> tuple[list[_Leg], bytes]:
        """The next frames of these chains, as far as the credits go; alone in front of the rest goes what is ahead."""
        frames = [self.ahead.frame] if self.ahead is not None else []
        legs: list[_Leg] = []
        opens = self.tree is None
        if opens and not (self.joins and (self.ahead is not None or self.line.credits > len(chains[0].rest))):
            chains = (Chain(()),)
        for chain in chains:
            requests = chain.rest
            room = len(requests) if self.ahead is not None else self.line.credits - opens
            if room < len(requests) and legs:
                continue
            if room < 0 or (requests and not room):
                raise NoCredit("the host grants no credit to go on")
            frame, leg = self._leg(chain, requests[:room], opens_tree=opens)
            frames.append(frame)
            legs.append(leg)
        return legs, b"".join(frames)

    def _leg(self, chain: Chain, requests: Sequence[Request], *, opens_tree: bool) -> tuple[bytes, _Leg]:
        if self.tree is not None and not chain.tree:
            chain.tree = self.tree.number if chain.handle is None else chain.handle.tree
        sent = (self.connect, *requests) if opens_tree else requests
        seals = self.seals or self.wants_seal
        frame, numbers = self.line.frame(
            sent, tree=chain.tree, file=CURRENT if opens_tree else chain.current, seals=seals
        )
        chain.launched += len(requests)
        return frame, _Leg(chain, numbers, sent, opens_tree)

    def _answered(self, legs: Sequence[_Leg], outgoing: bytes) -> Messages[dict[int, Answer]]:
        """The answers to a flight, by number; without those of spare chains when the connection breaks over them."""
        answers: dict[int, Answer] = {}
        steps = {
            number: request.step for leg in legs for number, request in zip(leg.numbers, leg.requests, strict=True)
        }
        if self.ahead is not None:
            steps = {self.ahead.number: "log on", **steps}
        while steps:
            self.note(", ".join(dict.fromkeys(steps.values())))
            try:
                frame = yield outgoing
            except ChannelError as error:
                self._lost = error
                if all(leg.chain.is_spare for leg in legs if any(number in steps for number in leg.numbers)):
                    return answers
                raise self._meaning(error, legs, answers) from error
            outgoing = b""
            for answer in self.line.take(frame):
                if self.ahead is not None and answer.message_id == self.ahead.number:
                    self.ahead.land(answer)
                answers[answer.message_id] = answer
                steps.pop(answer.message_id, None)
        return answers

    def _meaning(self, error: ChannelError, legs: Sequence[_Leg], answers: Mapping[int, Answer]) -> ChannelError:
        """A host that hangs up over a flight that ran ahead may only have meant to refuse it.

        That is so where the flight changes nothing, or where the change lies beyond what the host has granted since: such
        a request is never carried out ([MS-SMB2] 3.3.5.2.3).
        """
        if self.ahead is None or not isinstance(error, ConnectionLost):
            return error
        changing = [leg.changing for leg in legs if leg.changing is not None]
        is_granted = self.ahead.number not in answers or any(number < self.line.window for number in changing)
        return error if changing and is_granted else Unsupported(REFUSED)

    def _land(self, leg: _Leg, answers: list[Answer], *, is_ahead: bool) -> None:
        """Hand a frame's answers to its chain; what the host will not have in this form is sent again in another."""
        chain = leg.chain
        if len(answers) < len(leg.numbers):
            chain.given_up = True
            return
        unproven = [answer for answer in answers if not answer.is_proven]
        if chain.is_spare and leg.opens_tree and (answers[0].status or (unproven and is_ahead)):
            chain.given_up = True
            return
        if unproven:
            raise _meaning_of(unproven[0], is_refusal=is_ahead and len(unproven) == len(answers))
        if leg.opens_tree and not self._opened_tree(chain, answers.pop(0), is_ahead=is_ahead):
            chain.again()
            return
        chain.answers += answers
        if leg.opens_tree and answers and all(is_failure(answer.status) for answer in answers):
            self._refused(chain, answers[0].status)

    def _refused(self, chain: Chain, status: int) -> None:
        """Nothing came of what went along with TREE_CONNECT: send it again where that may be the reason."""
        if status in _UNRELATED:
            self.joins = self.joins and chain.requests[0].command == Command.IOCTL
            chain.again()
        elif status == STATUS_ACCESS_DENIED and self.wants_seal and not self.seals:
            chain.again()

    @property
    def is_lost(self) -> bool:
        """Whether the connection broke over something that could be spared."""
        return self._lost is not None

    @property
    def wants_seal(self) -> bool:
        """Whether the share wants everything sealed."""
        return self.tree is not None and self.tree.wants_seal

    def _opened_tree(self, chain: Chain, answer: Answer, *, is_ahead: bool) -> bool:
        """Whether the share is open; False when it is to be opened by itself. Raises why it can't be."""
        if answer.status:
            if chain.requests and answer.status in _UNRELATED and not is_ahead:
                self.joins = False
                return False
            error = from_status(answer.status, f"share {self.share}")
            if is_ahead and (self.seals_late or not isinstance(error, AccessDenied | NotFound)):
                raise Unsupported(f"{REFUSED}: {error.message}")
            raise error
        found = tree(answer)
        if not found.is_disk:
            raise Unsupported(f"the share {self.share} holds no files")
        if found.wants_seal and (self.line.shield is None or not self.line.shield.can_seal):
            raise Unsupported(f"the share {self.share} wants everything encrypted, and no cipher was agreed on")
        chain.tree = found.number
        self.tree = self.tree or found
        return True


def _meaning_of(unproven: Answer, *, is_refusal: bool) -> ChannelError:
    """What an answer says that nobody signed: hardly anything, unless the host had not let us in yet."""
    if is_refusal:
        return Unsupported(f"{REFUSED} (NTSTATUS 0x{unproven.status:08x})")
    if unproven.status in _GONE:
        return from_status(unproven.status)
    return ProtocolError("the host's answer is not signed")
