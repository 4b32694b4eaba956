"""What a program on a host writes, over SSH: both of its streams at a time, and no more than there is room for."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import paramiko

from unloop.errors import ProtocolError

MOST = 16
"""MiB of one stream that are taken; the longest report of ours has some hundred kilobytes."""
_CHUNK = 65536


def output_of(channel: paramiko.Channel) -> tuple[bytes, bytes]:
    """Standard output and standard error to their ends; raises ProtocolError for more than is taken of one.

    Both share one window (RFC 4254, 5.2): a program that fills it with the one is not heard to the end of the other.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        errors = pool.submit(_drained, channel, channel.recv_stderr, "standard error")
        output = _drained(channel, channel.recv, "standard output")
        return output, errors.result()


def _drained(channel: paramiko.Channel, receive: Callable[[int], bytes], what: str) -> bytes:
    """A stream to its end. Where that can't be, the other one is not waited for either."""
    try:
        return b"".join(_parts(receive, what))
    except BaseException:
        channel.close()
        raise


def _parts(receive: Callable[[int], bytes], what: str) -> Iterator[bytes]:
    length = 0
    while data := receive(_CHUNK):
        length += len(data)
        if length > MOST << 20:
            raise ProtocolError(f"the program's {what} is longer than {MOST} MiB")
        yield data
