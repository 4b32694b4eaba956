"""Turning what a library raises into our errors, with the host's and the channel's name on every one."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unloop.channels.base import Deadline, Target
from unloop.errors import ChannelError, ConnectionLost, DeadlineExceeded, InputError, Refused, Unreachable, Unsupported

Translate = Callable[[Exception], ChannelError]
"""What a library's error means, without host and channel."""


@contextmanager
def mapped(target: Target, channel: str, translate: Translate, *caught: type[Exception]) -> Iterator[None]:
    """Raise every ``caught`` error as ours, from the original; those that are ours get their place. So are bad options."""
    try:
        yield
    except ChannelError as error:
        if error.host:
            raise
        raise placed(error, target, channel) from error
    except InputError as error:
        raise placed(unusable(error), target, channel) from error
    except caught as error:
        raise placed(translate(error), target, channel) from error


def placed(error: ChannelError, target: Target, channel: str) -> ChannelError:
    """The same error with the host's and the channel's name, however its class makes one."""
    found = type(error).__new__(type(error))
    ChannelError.__init__(found, error.message, host=target.host, channel=channel)
    return found


def unusable(error: InputError) -> Unsupported:
    """What an option means that turns out to be bad only when it is used: this channel can't be used so."""
    return Unsupported("; ".join(map(str, error.problems)))


def in_time(error: ChannelError, deadline: Deadline) -> ChannelError:
    """The same error, unless we ended the connection ourselves because the time was up."""
    if isinstance(error, ConnectionLost) and time.monotonic() >= deadline.at:
        return DeadlineExceeded("no answer came within the time allowed")
    return error


def connecting(error: OSError) -> ChannelError:
    """What an error of connect() means."""
    if isinstance(error, TimeoutError):
        return Unreachable("nothing answered within the time allowed")
    if isinstance(error, ConnectionRefusedError):
        return Refused("the port is closed")
    return Unreachable(f"no connection came about: {reason(error)}")


def connected(error: OSError) -> ChannelError:
    """What an error on a connection that stood means."""
    if isinstance(error, TimeoutError):
        return DeadlineExceeded("no answer came within the time allowed")
    return ConnectionLost(f"the connection broke: {reason(error)}")


def reason(error: OSError) -> str:
    """An operating system error in a few words."""
    return (error.strerror or errno.errorcode.get(error.errno or 0, "") or type(error).__name__).lower()
