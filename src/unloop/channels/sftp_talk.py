"""Several conversations over one SFTP session at a time, without IO: nothing waits that need not, nothing is sent alone.

A talk is a generator: it yields the requests that it can make now, is sent the answers to those that it waits for, in their
order, and returns what it came to. The talks of a session go on side by side, each as soon as its own answers are there.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from unloop.channels.dialogue import LOCAL
from unloop.channels.sftp_wire import HELLO, Packets, Reply, Request
from unloop.errors import ChannelError, ProtocolError

T_co = TypeVar("T_co", covariant=True)
Talk = Generator[tuple[Request, ...], tuple[Reply, ...], T_co]


@dataclass(eq=False)
class Course(Generic[T_co]):
    """One talk on its way: what it waits for, and what it came to, or the error of one file that ended it."""

    talk: Talk[T_co]
    waits_for: list[int] = field(default_factory=list)
    replies: dict[int, Reply] = field(default_factory=dict)
    is_done: bool = False
    error: ChannelError | None = None
    results: list[T_co] = field(default_factory=list)

    def outcome(self) -> T_co:
        """What it came to, once it is done; raises the error of one file."""
        if self.error is not None:
            raise self.error
        return self.results[0]


class SftpTalks:
    """The talks of one session. ``outgoing`` is to be sent, and what arrives to be fed."""

    def __init__(self) -> None:
        self._packets = Packets()
        self._outgoing = bytearray(HELLO)
        self._number = 0
        self._waiting: dict[int, Course[object]] = {}
        self._told: set[int] = set()

    def start(self, talk: Talk[T_co]) -> Course[T_co]:
        """Begin a talk; raises ChannelError other than that of a file."""
        course = Course(talk)
        self._go_on(course, None)
        return course

    def outgoing(self) -> bytes:
        """What is to be sent now; it is asked for once."""
        sent, self._outgoing = bytes(self._outgoing), bytearray()
        return sent

    def feed(self, data: bytes) -> None:
        """Take bytes as they come, and go on with what they answer; raises ChannelError other than that of a file."""
        ready: deque[Course[object]] = deque()
        for number, reply in self._packets.feed(data):
            if number in self._told:
                self._told.remove(number)
                continue
            course = self._waiting.pop(number, None)
            if course is None:
                raise ProtocolError(f"the host's SFTP answers a request {number} that was not made")
            course.replies[number] = reply
            if len(course.replies) == len(course.waits_for):
                ready.append(course)
        for course in ready:
            self._go_on(course, tuple(course.replies[number] for number in course.waits_for))

    def _go_on(self, course: Course[T_co], replies: tuple[Reply, ...] | None) -> None:
        try:
            while True:
                requests = next(course.talk) if replies is None else course.talk.send(replies)
                course.waits_for, course.replies = [], {}
                for request in requests:
                    self._ask(course, request)
                if course.waits_for:
                    return
                replies = ()
        except StopIteration as end:
            course.results.append(end.value)
            course.is_done = True
        except LOCAL as error:
            course.is_done, course.error = True, error

    def _ask(self, course: Course[T_co], request: Request) -> None:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._outgoing += request.numbered(self._number)
        if request.is_told:
            self._told.add(self._number)
        else:
            self._waiting[self._number] = course
            course.waits_for.append(self._number)
