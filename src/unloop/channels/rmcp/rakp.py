"""The log-on of RMCP+: open session request, then RAKP messages 1 to 4 (IPMI 2.0, 13.17-13.24). One object is one try."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from unloop.channels.rmcp.packet import Payload, outside, parse_outside
from unloop.channels.rmcp.suite import Keys, Suite

GOOD, INVALID_SESSION, INVALID_CHECK_VALUE = 0x00, 0x02, 0x0F
"""Status codes (table 13-15)."""
_NAME_ONLY = 0x10
"""The user is looked up by name, whatever level is asked for (table 13-11)."""
MOST_NAME, MOST_PASSWORD = 16, 20
Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs on, and up to which privilege level (3: operator, 4: administrator). The password stays out of the repr."""

    name: bytes
    password: bytes = field(repr=False)
    level: int = 0x03


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the BMC: its status code, and all after the console's session id."""

    status: int
    body: bytes = b""


class Login:
    """One try to log on with one cipher suite: session ids, random numbers and what the BMC gave."""

    def __init__(self, account: Account, suite: Suite, entropy: Entropy) -> None:
        self.suite = suite
        self._account = account
        self._key = account.password.ljust(MOST_PASSWORD, b"\0")
        drawn = entropy(21)
        self._tags = bytes((drawn[0] + step) & 0xFF for step in range(3))
        self._console = (int.from_bytes(drawn[1:5], "little") or 1).to_bytes(4, "little")
        self._random = drawn[5:21]
        self._who = bytes([account.level | _NAME_ONLY, len(account.name)]) + account.name
        self._bmc = self._bmc_random = self._guid = self._sik = b""

    @property
    def console(self) -> int:
        """The console's session id."""
        return int.from_bytes(self._console, "little")

    @property
    def bmc(self) -> int:
        """The BMC's session id."""
        return int.from_bytes(self._bmc, "little")

    def open_request(self) -> bytes:
        """Propose the suite's algorithms. Privilege level 0 asks for the highest: some BMCs refuse any other here."""
        pairs = enumerate(self.suite.algorithms)
        proposals = b"".join(bytes([kind, 0, 0, 8, number, 0, 0, 0]) for kind, number in pairs)
        return outside(Payload.OPEN_REQUEST, bytes([self._tags[0], 0, 0, 0]) + self._console + proposals)

    def hear_open(self, datagram: bytes) -> Heard | None:
        """The open session response."""
        return self._hear(datagram, Payload.OPEN_RESPONSE, self._tags[0], 28)

    def take_open(self, heard: Heard) -> bool:
        """Keep the BMC's session id; whether the BMC chose the very algorithms that were proposed."""
        self._bmc = heard.body[:4]
        chosen = (heard.body[8] & 0x3F, heard.body[16] & 0x3F, heard.body[24] & 0x3F)
        return chosen == self.suite.algorithms and self._bmc != bytes(4)

    def rakp1(self) -> bytes:
        """Our random number, and who we are."""
        level, rest = self._who[:1], self._who[1:]
        head = bytes([self._tags[1], 0, 0, 0])
        return outside(Payload.RAKP1, head + self._bmc + self._random + level + bytes(2) + rest)

    def hear_rakp2(self, datagram: bytes) -> Heard | None:
        """The BMC's random number, its GUID, and its proof of the password."""
        return self._hear(datagram, Payload.RAKP2, self._tags[1], 32 + self.suite.size)

    def take_rakp2(self, heard: Heard) -> bool:
        """Whether the BMC's proof is that of our password (13.31)."""
        self._bmc_random, self._guid, proof = heard.body[:16], heard.body[16:32], heard.body[32:]
        covered = self._console + self._bmc + self._random + self._bmc_random + self._guid + self._who
        if not hmac.compare_digest(proof, self.suite.hash(self._key, covered)):
            return False
        self._sik = self.suite.hash(self._key, self._random + self._bmc_random + self._who)
        return True

    def rakp3(self) -> bytes:
        """Our proof of the password. Sent once: a BMC does not answer a second one usefully."""
        proof = self.suite.hash(self._key, self._bmc_random + self._console + self._who)
        return outside(Payload.RAKP3, bytes([self._tags[2], GOOD, 0, 0]) + self._bmc + proof)

    def hear_rakp4(self, datagram: bytes) -> Heard | None:
        """The end of the log-on; one whose check value is wrong is none."""
        heard = self._hear(datagram, Payload.RAKP4, self._tags[2], self.suite.sent)
        if heard is None or heard.status != GOOD:
            return heard
        wanted = self.suite.check_value(self._sik, self._random + self._bmc + self._guid)
        return heard if hmac.compare_digest(heard.body, wanted) else None

    def give_up(self, status: int) -> bytes:
        """RAKP message 3 with an error: the BMC can forget the session that was being opened (13.22)."""
        return outside(Payload.RAKP3, bytes([self._tags[2], status, 0, 0]) + self._bmc)

    def keys(self) -> Keys:
        """The keys of the session, once RAKP message 2 was right."""
        return Keys(self.suite, self._sik)

    def _hear(self, datagram: bytes, kind: Payload, tag: int, length: int) -> Heard | None:
        """A refusal may come without our session id: OpenIPMI's simulator ends it after the status code."""
        packet = parse_outside(datagram)
        if packet is None or packet.payload_type != kind or len(packet.payload) < 2 or packet.payload[0] != tag:
            return None
        status, given, body = packet.payload[1], packet.payload[4:8], packet.payload[8:]
        if status == GOOD:
            return Heard(status, body) if given == self._console and len(body) == length else None
        return Heard(status) if given in {self._console, bytes(4), b""} else None
