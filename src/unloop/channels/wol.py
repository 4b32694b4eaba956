"""Wake-on-LAN: the magic packet to a host that is powered off. Nothing answers; another channel tells what came of it."""

import re
import socket
from dataclasses import dataclass
from typing import ClassVar

from unloop.channels.base import Channel
from unloop.errors import InputError, Problem, Unreachable

REPEATS = 16


@dataclass(frozen=True, slots=True)
class WolOptions:
    """``mac``: the host's network adapter. ``broadcast``: where the packet goes; default: the endpoint's address."""

    mac: str = ""
    broadcast: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2}[:-]?){5}[0-9a-fA-F]{2}", self.mac or "00" * 6):
            raise InputError(Problem(f"option mac of channel wol is {self.mac!r}, which is no MAC address"))


class WolChannel(Channel):
    """Wake only: it can't switch off and can't tell the power state."""

    name: ClassVar[str] = "wol"
    default_port: ClassVar[int] = 9
    title: ClassVar[str] = "Wake a host that is powered off (Wake-on-LAN); nothing answers"
    Options: ClassVar[type[WolOptions]] = WolOptions

    def open(self) -> None:
        """Nothing to connect to."""

    def close(self) -> None:
        """Nothing to close."""

    def wake(self) -> None:
        """Send the magic packet: six bytes of ones, then the MAC sixteen times."""
        options: WolOptions = self.options
        if not options.mac:
            raise InputError(Problem(f"{self.target.host}: channel wol needs the option mac"))
        packet = b"\xff" * 6 + bytes.fromhex(re.sub("[:-]", "", options.mac)) * REPEATS
        address = options.broadcast or self.target.address
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sock.sendto(packet, (address, self.port))
        except OSError as error:
            text = f"the packet could not be sent: {error.strerror}"
            raise Unreachable(text, host=self.target.host, channel=self.name) from error
