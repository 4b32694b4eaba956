"""Where simulated hosts live: one loopback address each and one for its BMC, in blocks that simulations don't share."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from unloop.errors import InputError, Problem

FIRST_HOSTS, FIRST_BMCS = 20, 21
BLOCKS = 50
_PER_ROW = 250
LARGEST = _PER_ROW * 250
MARKER_PORT = 6299
"""Whoever runs a simulation holds this port on the block's own address, 127.x.0.1."""
RESERVATION_PORT = 6298
"""Whoever is about to run one holds this, so that two that begin at once take different blocks."""


@dataclass(frozen=True, slots=True)
class Block:
    """One pair of networks: 127.20.0.0/16 for hosts and 127.21.0.0/16 for BMCs, or a later pair."""

    number: int = 0

    @property
    def marker(self) -> str:
        """The block's own address."""
        return f"127.{FIRST_HOSTS + 2 * self.number}.0.1"

    def host(self, index: int) -> str:
        """The address of a host."""
        return self._address(FIRST_HOSTS, index)

    def bmc(self, index: int) -> str:
        """The address of a host's BMC."""
        return self._address(FIRST_BMCS, index)

    def _address(self, first: int, index: int) -> str:
        row, column = divmod(index, _PER_ROW)
        return f"127.{first + 2 * self.number}.{row + 1}.{column + 1}"


def mark(marker: str, port: int = MARKER_PORT) -> socket.socket:
    """Hold a block for this process until the socket is closed; raises OSError when another simulation has it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.bind((marker, port))
        sock.listen(1)
    except OSError:
        sock.close()
        raise
    return sock


@contextmanager
def reserved_block() -> Iterator[Block]:
    """The first block that no simulation on this machine uses or is about to use, for the length of a with block."""
    for number in range(BLOCKS):
        block = Block(number)
        with ExitStack() as held:
            try:
                held.enter_context(mark(block.marker, RESERVATION_PORT))
                mark(block.marker).close()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    hint = "a simulation needs the addresses 127.0.0.0/8, as Linux has them on its loopback interface"
                    raise InputError(Problem(f"can't use {block.marker}: {error.strerror}", hint=hint)) from error
                continue
            yield block
            return
    raise InputError(Problem(f"{BLOCKS} simulations are running on this machine", hint="end some of them"))


def marker_of(address: str) -> str:
    """The own address of the block that a host's address is in."""
    return ".".join([*address.split(".")[:2], "0", "1"])
