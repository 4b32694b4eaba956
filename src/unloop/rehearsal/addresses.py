"""Where simulated hosts live: one loopback address each and one for its BMC, in blocks that simulations don't share."""

import errno
import socket
from dataclasses import dataclass

from unloop.errors import InputError, Problem

FIRST_HOSTS, FIRST_BMCS = 20, 21
BLOCKS = 50
_PER_ROW = 250
LARGEST = _PER_ROW * 250
MARKER_PORT = 6299
"""Whoever runs a simulation holds this port on the block's own address, 127.x.0.1."""


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


def mark(marker: str) -> socket.socket:
    """Hold a block for this process until the socket is closed; raises OSError when another simulation has it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.bind((marker, MARKER_PORT))
        sock.listen(1)
    except OSError:
        sock.close()
        raise
    return sock


def free_block() -> Block:
    """The first block that no simulation on this machine uses."""
    for number in range(BLOCKS):
        block = Block(number)
        try:
            mark(block.marker).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                hint = "a simulation needs the addresses 127.0.0.0/8, as Linux has them on its loopback interface"
                raise InputError(Problem(f"can't use {block.marker}: {error.strerror}", hint=hint)) from error
            continue
        return block
    raise InputError(Problem(f"{BLOCKS} simulations are running on this machine", hint="end some of them"))


def marker_of(address: str) -> str:
    """The own address of the block that a host's address is in."""
    return ".".join([*address.split(".")[:2], "0", "1"])
