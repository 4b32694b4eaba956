"""The strike over WS-Management: log on with the order's first message, land it, and only then ask for the rest."""

import secrets

from unloop.channels.strike.base import Landed
from unloop.channels.strike.exchange import Exchange, Messages
from unloop.channels.strike.wsman import wql
from unloop.channels.strike.wsman.authenticator import Authenticator
from unloop.channels.strike.wsman.bindings import end_point
from unloop.channels.strike.wsman.conversation import Conversation, Door
from unloop.channels.strike.wsman.moving import Moving
from unloop.channels.strike.wsman.process import Payload
from unloop.channels.strike.wsman.soap import Requests, properties
from unloop.channels.strike.wsman.starting import Starting
from unloop.channels.strike.wsman.way import Way, way_of
from unloop.channels.strike.wsman.wmi import Wmi
from unloop.errors import ChannelError, Unsupported
from unloop.model.order import Order, Shell
from unloop.model.patterns import split
from unloop.model.power import BootIdentity

BOOT_SOURCE = "windows:LastBootUpTime"


class WsmanExchange(Exchange[Landed]):
    """Lands one order on one host, once. All that needs no answer of the host is made ready when it is made.

    ``campaign`` is a part of the name of the file by which a program reports; where it is not given, it is that of the
    quarantine. Raises Unsupported when no way carries the
    order: nothing was sent then.
    """

    def __init__(self, door: Door, order: Order, authenticator: Authenticator, *, campaign: str = "") -> None:
        super().__init__()
        self._door, self._authenticator = door, authenticator
        conversation = Conversation(door, authenticator, self.in_flight)
        self._wmi = Wmi(conversation, Requests(f"{'https' if door.is_secure else 'http'}://{door.host}/wsman"))
        way = way_of(order)
        if way is None:
            raise Unsupported("neither WMI nor one command line carries this order")
        self._moving = Moving(self._wmi, order) if way is Way.CIM else None
        self._starting = Starting(self._wmi, payload_of(order, campaign)) if way is Way.PROGRAM else None
        self._is_bound = not door.is_secure

    def bind(self, certificate: bytes) -> None:
        """Bind the log-on to the TLS connection, by the certificate (DER) that the host showed; raises Unsupported."""
        if self._authenticator.protocol:
            self._authenticator.bind(end_point(certificate))
        self._is_bound = True

    def messages(self) -> Messages[Landed]:
        """The exchange; raises ChannelError. Once a program was started it ends with a report."""
        if not self._is_bound:
            raise Unsupported("this log-on is not bound to its TLS connection")
        if self._moving is not None:
            report = yield from self._moving.land()
            boot = yield from self._boot()
            return (yield from self._moving.look(report)), boot
        if self._starting is None:
            raise Unsupported("there is no way to land this order")
        yield from self._starting.start()
        boot = yield from self._boot()
        return (yield from self._starting.follow()), boot

    def _boot(self) -> Messages[BootIdentity | None]:
        """The boot in which the order landed: worth knowing, but never at the price of the report."""
        if not self._wmi.is_open:
            return None
        try:
            found = yield from self._wmi.query(wql.LAST_BOOT)
        except ChannelError:
            return None
        value = properties(found[0]).get("LastBootUpTime", "").strip() if found else ""
        return BootIdentity(value=value, source=BOOT_SOURCE) if value else None


def payload_of(order: Order, campaign: str) -> Payload:
    """The program of an order, and the name by which it reports: another one each time, so that no two meet."""
    aside = [split(one.quarantine)[1] for one in order.files or () if one.quarantine]
    parts = ("unloop-report", campaign or "".join(aside[:1]), order.digest[:12], secrets.token_hex(4))
    return Payload(order.programs[Shell.POWERSHELL], "-".join(part for part in parts if part))
