"""A session that stands: requests sealed for the BMC, and the answers to them told from everything else."""

from unloop.channels.rmcp.message import SEQUENCES, Command, request, response
from unloop.channels.rmcp.packet import inside, parse_inside
from unloop.channels.rmcp.rakp import Entropy, Login
from unloop.channels.rmcp.suite import BLOCK
from unloop.channels.rmcp.window import Window


class Session:
    """One session after its log-on. ``level`` is the privilege level it has now: user, until it is raised (22.18)."""

    def __init__(self, login: Login, entropy: Entropy) -> None:
        self.bmc = login.bmc
        self.level = 0x02
        self._console = login.console
        self._keys = login.keys()
        self._entropy = entropy
        self._sent = 0
        self._heard = Window()
        self._message = 0

    @property
    def suite(self) -> int:
        """The number of its cipher suite."""
        return self._keys.suite.number

    def next_message(self) -> int:
        """A requester's sequence number that was not used for a while. A query that is repeated keeps its own."""
        self._message = (self._message + 1) % SEQUENCES
        return self._message

    def seal(self, command: Command, message: int) -> bytes:
        """The datagram of a request. Every one has a session sequence number of its own, also when it is a repetition."""
        self._sent += 1
        payload = self._keys.encrypt(request(command, message), self._entropy(BLOCK))
        return inside(self.bmc, self._sent, payload, self._keys.sign)

    def hear(self, datagram: bytes, command: Command, message: int) -> bytes | None:
        """Completion code and data of the answer to one request; None for everything else."""
        clear = self._open(datagram)
        return None if clear is None else response(clear, command, message)

    def _open(self, datagram: bytes) -> bytes | None:
        packet = parse_inside(datagram, self._console, self._keys.suite.sent)
        if packet is None or not self._keys.is_signed(packet.signed, packet.code):
            return None
        clear = self._keys.decrypt(packet.payload)
        if clear is None or not self._heard.accepts(packet.sequence):
            return None
        return clear
