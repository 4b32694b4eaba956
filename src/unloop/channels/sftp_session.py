"""SFTP over a channel of paramiko's: sends what the talks of the session have to say, and waits for what they need."""

from typing import Protocol, TypeVar

from unloop.channels.base import Deadline
from unloop.channels.sftp_talk import Course, SftpTalks, Talk
from unloop.errors import ChannelError, ConnectionLost

T = TypeVar("T")
CHUNK = 65536


class Stream(Protocol):
    """What is needed of a channel."""

    def settimeout(self, timeout: float) -> None:
        """Bound every wait."""

    def sendall(self, data: bytes) -> None:
        """Send everything."""

    def recv(self, length: int) -> bytes:
        """What has arrived, b'' at its end."""


class SftpSession:
    """One session. Errors of one file are ours; those of the channel are its caller's to map."""

    def __init__(self, stream: Stream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline
        self._talks = SftpTalks()

    def until(self, deadline: Deadline) -> None:
        """Whatever is waited for from now on has until another deadline."""
        self._deadline = deadline

    def start(self, talk: Talk[T]) -> Course[T]:
        """Begin a talk, which goes on with whatever is waited for next."""
        return self._talks.start(talk)

    def result(self, course: Course[T]) -> T:
        """Wait for the end of a talk; raises ChannelError."""
        self._until(course)
        return course.outcome()

    def together(self, *talks: Talk[T]) -> tuple[T | ChannelError, ...]:
        """Wait for the ends of several talks; the error of one file is a result."""
        courses = [self.start(talk) for talk in talks]
        self._until(*courses)
        return tuple(course.outcome() if course.error is None else course.error for course in courses)

    def _until(self, *courses: Course[T]) -> None:
        while True:
            if outgoing := self._talks.outgoing():
                self._stream.settimeout(self._deadline.left())
                self._stream.sendall(outgoing)
            if all(course.is_done for course in courses):
                return
            self._stream.settimeout(self._deadline.left())
            data = self._stream.recv(CHUNK)
            if not data:
                raise ConnectionLost("the host closed its SFTP session")
            self._talks.feed(data)
