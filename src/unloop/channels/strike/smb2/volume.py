"""What an exchange knows of the share that it works in: names, directories that are there, and what is left to close."""

from collections.abc import Iterable

from unloop.channels.dialogue import LOCAL
from unloop.channels.smb_options import SmbOptions
from unloop.channels.smb_status import STATUS_PATH_NOT_COVERED, STATUS_STOPPED_ON_SYMLINK, from_status
from unloop.channels.strike.smb2 import requests
from unloop.channels.strike.smb2.chain import Chain, Handle
from unloop.channels.strike.smb2.requests import Request
from unloop.channels.strike.smb2.wire import encoded
from unloop.errors import ChannelError, ProtocolError

_ELSEWHERE = frozenset({STATUS_STOPPED_ON_SYMLINK, STATUS_PATH_NOT_COVERED})
"""The path leads to another place. A library may have a way there, so as long as nothing was changed it is left to one."""


class Volume:
    """One share. ``quarantines`` are directories that are made without asking first whether they are there."""

    def __init__(self, options: SmbOptions, quarantines: Iterable[str] = ()) -> None:
        self._options = options
        self._quarantines = {directory.lower() for directory in quarantines}
        self._left: list[Chain] = []
        self.has_changed = False
        self.is_flushed = True

    def name(self, path: str) -> bytes:
        """A path as CREATE wants it; raises Unsupported when it is on another drive."""
        return encoded(self._options.relative(path))

    def directories(self, path: str, *, untried: bool) -> list[Request]:
        """What makes the directories above a path; ``untried``: only those of a quarantine that nothing went to yet."""
        if untried and path.rpartition("\\")[0].lower() not in self._quarantines:
            return []
        made: list[Request] = []
        for name in self._above(path):
            opening = requests.create(name, requests.READ_ATTRIBUTES, requests.DIRECTORY, "move", requests.OPEN_IF)
            made += (opening, requests.close("move"))
        return made

    def has_directory(self, path: str) -> None:
        """The directory above a path is there now."""
        self._quarantines.discard(path.rpartition("\\")[0].lower())

    def unmake(self, chain: Chain, path: str) -> None:
        """Nothing went where a chain has made directories for it: those that are empty go again."""
        options = requests.DIRECTORY | requests.DELETE_ON_CLOSE
        asked: list[Request] = []
        for place, name in enumerate(self._above(path)):
            made = chain.opened(2 * place)
            if made is not None and made.is_new:
                asked = [requests.create(name, requests.MOVING, options, "tidy"), requests.close("tidy"), *asked]
        if asked:
            self._left.append(Chain(asked, is_spare=True))

    def leave(self, handle: Handle | None) -> None:
        """A handle is not needed any more."""
        if handle is not None:
            self._left.append(Chain((requests.close(),), handle, is_spare=True))

    def tidying(self) -> list[Chain]:
        """What closes and removes that which is left over, until it has flown: it waits as long as credits are short."""
        self._left = [chain for chain in self._left if chain.rest]
        return list(self._left)

    def _above(self, path: str) -> list[bytes]:
        """The directories above a path, from the highest down."""
        above = self._options.relative(path).split("\\")[:-1]
        return [encoded("\\".join(above[:depth])) for depth in range(1, len(above) + 1)]

    def failure(self, chain: Chain, place: int, what: str) -> ChannelError:
        """The answer that a failed request comes to; raises what ends the exchange."""
        status = chain.status(place)
        error = from_status(status, what) if status else ProtocolError(f"{what}: the host did not say what it did")
        if isinstance(error, LOCAL) and not (status in _ELSEWHERE and not self.has_changed):
            return error
        raise error
