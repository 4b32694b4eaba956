"""What channels have in common: a target, a deadline, and small abilities that a channel has or has not."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from unloop.errors import DeadlineExceeded, InputError, Problem
from unloop.model.files import FileEntry
from unloop.model.order import Shell
from unloop.model.power import BootDevice, BootIdentity, PowerState
from unloop.secrets.secret import Credential


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a channel talks to: the host's name for messages, where it answers, and with which credential."""

    host: str
    address: str
    port: int
    credential: Credential | None = None
    options: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock by which an exchange must have ended."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds left; raises DeadlineExceeded when none is."""
        remaining = self.at - time.monotonic()
        if remaining <= 0:
            raise DeadlineExceeded("the time allowed is used up")
        return remaining


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ran to its end on the host."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class NoOptions:
    """A channel without options of its own."""


OptionsT = TypeVar("OptionsT")


class AnyChannel:
    """One way to reach a host. Making one does no IO; open() connects and logs on; a broken one is never used again.

    Channels raise ChannelError only, ``from`` the library's error, with the host's name, and never put a secret into it.
    A channel either blocks (Channel) or waits on the event loop (AsyncChannel).
    """

    name: ClassVar[str]
    default_port: ClassVar[int]
    title: ClassVar[str]
    """One line for listings and docs."""
    Options: ClassVar[type[Any]] = NoOptions

    def __init__(self, target: Target, deadline: Deadline) -> None:
        self.target = target
        self.deadline = deadline
        self.options = parse_options(self.name, self.Options, target)

    @property
    def port(self) -> int:
        """The port in use: the target's, or the channel's default."""
        return self.target.port or self.default_port


class Channel(AnyChannel, ABC):
    """A channel that blocks, and so runs in a worker thread; it is used by one thread at a time."""

    @abstractmethod
    def open(self) -> None:
        """Connect and log on; raises ChannelError."""

    @abstractmethod
    def close(self) -> None:
        """Log off and disconnect; never raises, may be called twice."""

    def until(self, deadline: Deadline) -> None:
        """Whatever is asked from now on has until another deadline; what broke stays broken."""
        self.deadline = deadline

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncChannel(AnyChannel, ABC):
    """A channel that waits on the event loop; it is used by one task at a time."""

    @abstractmethod
    async def open(self) -> None:
        """Connect and log on; raises ChannelError."""

    @abstractmethod
    async def close(self) -> None:
        """Log off and disconnect; never raises, may be called twice."""

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


def parse_options(channel: str, options: type[OptionsT], target: Target) -> OptionsT:
    """Make a channel's Options from the inventory's strings; raises InputError for an unknown name or a bad value."""
    known = {field.name: field for field in fields(options)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, text in (target.options or {}).items():
        if key not in known:
            hint = f"known: {', '.join(known)}" if known else "this channel has none"
            raise InputError(Problem(f"{target.host}: channel {channel} has no option {key!r}", hint=hint))
        values[key] = _convert(channel, known[key], text)
    return options(**values)


def _convert(channel: str, option: Any, text: str) -> Any:
    default = option.default if option.default is not MISSING else ""
    try:
        if isinstance(default, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        return type(default)(text)
    except (KeyError, ValueError) as error:
        wanted = "true or false" if isinstance(default, bool) else type(default).__name__
        what = f"option {option.name} of channel {channel} is {text!r}, not {wanted}"
        raise InputError(Problem(what)) from error


@runtime_checkable
class Files(Protocol):
    """Move files: list, read and change them. Windows paths are ``C:\\...``; matching is up to the caller."""

    def list_directory(self, directory: str) -> tuple[FileEntry, ...]:
        """Every entry of a directory but ``.`` and ``..``; raises NotFound when there is no such directory."""
        ...

    def read(self, path: str, *, limit: int) -> bytes:
        """The first ``limit`` bytes of a file."""
        ...

    def sha256(self, path: str) -> str:
        """The SHA-256 of the whole file, lowercase hex."""
        ...

    def move(self, source: str, destination: str) -> None:
        """Rename within one volume, through to the disk, never overwriting; makes the destination's directories."""
        ...

    def delete(self, path: str) -> None:
        """Delete one file."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a new file through to the disk; never overwrites."""
        ...


@runtime_checkable
class Programs(Protocol):
    """Run a program in one of the host's shells."""

    def shells(self) -> tuple[Shell, ...]:
        """The shells that this host offers over this channel, best first."""
        ...

    def run(self, shell: Shell, program: str) -> Completed:
        """Run a program to its end, within the deadline."""
        ...


@runtime_checkable
class Observe(Protocol):
    """Tell which boot the host is in."""

    def boot_identity(self) -> BootIdentity:
        """The identity of the boot in which the host answers now."""
        ...


@runtime_checkable
class Power(Protocol):
    """Control power, on the event loop. Each command is idempotent and sent once; the caller observes what came of it."""

    async def power_state(self) -> PowerState:
        """What the BMC says now."""
        ...

    async def power_off(self) -> None:
        """Order a forced power-off; success means that the BMC took the order."""
        ...

    async def power_on(self) -> None:
        """Order power-on; success means that the BMC took the order."""
        ...

    async def system_uuid(self) -> str:
        """The system's UUID in canonical lowercase form, '' when the BMC does not tell."""
        ...


@runtime_checkable
class BootOnce(Protocol):
    """Choose where the next boot comes from, on the event loop."""

    async def set_boot_once(self, device: BootDevice) -> None:
        """Set the one-time override."""
        ...

    async def clear_boot_once(self) -> None:
        """Take the override back."""
        ...


@runtime_checkable
class Wake(Protocol):
    """Wake a host that is powered off; nothing answers, so only another channel can tell whether it worked."""

    def wake(self) -> None:
        """Send the order."""
        ...


@runtime_checkable
class ServiceCommand(Protocol):
    """Start one command with the rights of the local system, without a shell; what comes of it is not told."""

    def run_service_command(self, command_line: str, *, name: str = "") -> None:
        """Create a service for the command, start it and delete it; return when the host started it.

        ``name`` is the service's, and replaces one of the same name; without it a name is drawn.
        """
        ...


ABILITIES: Mapping[str, type[Any]] = {
    "files": Files,
    "programs": Programs,
    "observe": Observe,
    "power": Power,
    "boot_once": BootOnce,
    "wake": Wake,
    "service_command": ServiceCommand,
}


def abilities(channel: type[AnyChannel]) -> tuple[str, ...]:
    """The names of the abilities that a channel class has."""
    return tuple(name for name, ability in ABILITIES.items() if issubclass(channel, ability))
