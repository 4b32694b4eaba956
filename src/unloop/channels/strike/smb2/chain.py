"""Requests that hang together: each works on what the one before opened, and nothing follows a failure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from unloop.channels.smb_status import STATUS_SUCCESS, STATUS_USER_SESSION_DELETED, is_failure
from unloop.channels.strike.smb2.answers import Opened, opened
from unloop.channels.strike.smb2.requests import CURRENT, Request
from unloop.channels.strike.smb2.wire import Answer, Command


@dataclass(frozen=True, slots=True)
class Handle:
    """A file or directory that is open, and the connected share through which it is."""

    file: bytes
    tree: int


@dataclass(slots=True)
class Chain:
    """A chain on its way. ``handle`` is what those before the first CREATE work on.

    ``changes``: whether it can change the host. ``is_spare``: worth having, but never at the price of another answer; it
    may be ``given_up``. ``tree`` is the share through which it went.
    """

    requests: Sequence[Request]
    handle: Handle | None = None
    changes: bool = False
    is_spare: bool = False
    answers: list[Answer] = field(default_factory=list)
    launched: int = 0
    tree: int = 0
    given_up: bool = False

    @property
    def rest(self) -> Sequence[Request]:
        """What is still to be sent: nothing, once something has failed."""
        return () if self.given_up or self.failed is not None else self.requests[self.launched :]

    @property
    def failed(self) -> int | None:
        """The place of the first request that failed."""
        for place, answer in enumerate(self.answers):
            if is_failure(answer.status):
                return place
        return None

    def status(self, place: int) -> int:
        """What became of a request: its own status, or that of the failure which kept it from being sent."""
        if place < len(self.answers):
            return self.answers[place].status
        failed = self.failed
        return self.answers[failed].status if failed is not None else STATUS_USER_SESSION_DELETED

    def opened(self, place: int) -> Opened | None:
        """What a CREATE of it opened, None when it did not."""
        return opened(self.answers[place]) if self.status(place) == STATUS_SUCCESS else None

    def handle_at(self, place: int) -> Handle | None:
        """The handle that a CREATE of it made."""
        found = self.opened(place)
        return Handle(found.file, self.tree) if found else None

    @property
    def current(self) -> bytes:
        """The file that the next request to be sent works on."""
        for place in range(len(self.answers) - 1, -1, -1):
            if self.requests[place].command == Command.CREATE and (found := self.opened(place)):
                return found.file
        return self.handle.file if self.handle is not None else CURRENT

    def again(self) -> None:
        """Forget what came of it: it is to be sent once more."""
        self.answers.clear()
        self.launched = 0
