"""The strike over SMB as an exchange of our own: a remedy of file operations in the fewest round trips."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from unloop.channels.base import Target
from unloop.channels.dialogue import Round as Asks
from unloop.channels.ntlm.initiator import NtlmAccount
from unloop.channels.perform import remedy
from unloop.channels.smb_options import SmbOptions
from unloop.channels.strike.authenticator import Authenticator, NtlmAuthenticator
from unloop.channels.strike.exchange import Exchange, Messages
from unloop.channels.strike.smb2 import requests
from unloop.channels.strike.smb2.flights import Flights, NoCredit
from unloop.channels.strike.smb2.negotiate import DIALECTS
from unloop.channels.strike.smb2.round import Round
from unloop.channels.strike.smb2.session import Session
from unloop.channels.strike.smb2.spares import Spares
from unloop.channels.strike.smb2.volume import Volume
from unloop.errors import ChannelError, LogonUndecided, Unsupported
from unloop.model.files import Disposition
from unloop.model.order import Order
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport
from unloop.secrets.secret import Credential, Secret

AHEAD = 16
"""The credits that the first flight of a remedy may need."""
_MOVING = frozenset({Disposition.QUARANTINE, Disposition.DELETE})


@dataclass(frozen=True, slots=True)
class Agreement:
    """What an exchange came to with one host, to be known when it is struck next.

    ``joins_tree``: the host works in a share that the same compound opens. ``is_flushed``: what was moved is through to
    the disk. ``can_pipeline``: the log-on brought credits enough for a first flight ahead of its end.
    """

    dialect: str
    signing: str
    is_encrypted: bool
    is_pipelined: bool
    joins_tree: bool
    is_flushed: bool
    can_pipeline: bool


class SmbExchange(Exchange[tuple[RemedyReport, BootIdentity | None]]):
    """One remedy on one host over one connection.

    ``pipelines``: the host is known to take requests ahead of its answers; where it does not after all, Unsupported says
    so, and nothing was changed. ``joins``: try to open the share in one compound with the work in it. ``authenticator``:
    who logs on, where it is not NTLM with the target's credential.
    """

    def __init__(
        self,
        target: Target,
        order: Order,
        options: SmbOptions,
        *,
        pipelines: bool = False,
        joins: bool = True,
        dialects: Sequence[int] = DIALECTS,
        authenticator: Authenticator | None = None,
    ) -> None:
        super().__init__()
        self._pipelines = pipelines
        self._obstacle = _obstacle(target, options, authenticator)
        self._session = Session(
            authenticator or _ntlm(target, options),
            dialects,
            requires_encryption=options.require_encryption,
            note=self.in_flight,
        )
        share = requests.tree_connect(rf"\\{target.address}\{options.share}")
        self._flights = Flights(self._session.line, share, options.share, self.in_flight, joins=joins)
        self._flights.seals = options.require_encryption
        quarantines = (item.quarantine for item in order.files or () if item.disposition in _MOVING)
        self._volume = Volume(options, quarantines)
        self._spares = Spares()
        self._dialogue = remedy(order, sees_moves=True)
        self._report: RemedyReport | None = None
        self._round = self._next(None)

    @property
    def agreement(self) -> Agreement | None:
        """What was agreed on, None before the host has said anything."""
        agreed = self._session.agreed
        if agreed is None:
            return None
        return Agreement(
            dialect=agreed.name,
            signing=agreed.algorithm.name,
            is_encrypted=self._flights.seals or self._flights.wants_seal,
            is_pipelined=self._pipelines,
            joins_tree=self._flights.joins,
            is_flushed=self._volume.is_flushed,
            can_pipeline=self._session.granted >= AHEAD,
        )

    def messages(self) -> Messages[tuple[RemedyReport, BootIdentity | None]]:
        """Log on, hold the dialogue, and look at the boot on the way."""
        if self._obstacle is not None:
            raise self._obstacle
        if self._pipelines:
            yield from self._session.open_ahead(self._flights)
        else:
            yield from self._session.open()
        if self._session.agreed is not None:
            self._spares.check(self._session.offer, self._session.agreed)
        self._flights.seals |= self._session.is_encrypted
        while self._report is None:
            yield from self._fly(self._round)
            self._round = self._next(self._round)
        yield from self._tidy()
        return self._report, self._spares.boot

    def _fly(self, asked: Round) -> Messages[None]:
        """Answer every ask of one round."""
        while asked.chains:
            yield from self._flights.fly([*asked.chains, *self._spares.waiting, *self._volume.tidying()])
            self._spares.judge()
            asked.go_on()

    def _tidy(self) -> Messages[None]:
        """Ask for what had no place in a flight so far, as far as the credits go: the report is complete without it.

        What is left then the end of the connection closes, handles and session alike ([MS-SMB2] 3.3.7.1); directories that
        were made for nothing stay.
        """
        left = [chain for chain in self._volume.tidying() if chain.handle is None]
        waiting = [*self._spares.waiting, *left]
        if waiting and not self._flights.is_lost:
            with suppress(NoCredit):
                yield from self._flights.fly(waiting)
            self._spares.judge()

    def _next(self, asked: Round | None) -> Round:
        """The next round of the dialogue, an empty one when it has come to its report."""
        try:
            asks: Asks = next(self._dialogue) if asked is None else self._dialogue.send(asked.answers)
        except StopIteration as end:
            self._report = end.value
            return Round(self._volume, ())
        return Round(self._volume, asks)


def _obstacle(target: Target, options: SmbOptions, authenticator: Authenticator | None) -> ChannelError | None:
    """Why nobody can log on."""
    if authenticator is not None:
        return None
    if target.credential is None:
        return LogonUndecided("no credential is given")
    return Unsupported("a log-on by Kerberos is to be prepared first") if options.auth == "kerberos" else None


def _ntlm(target: Target, options: SmbOptions) -> Authenticator:
    credential = target.credential or Credential("", "", Secret(""), "")
    return NtlmAuthenticator(NtlmAccount.of(credential), f"cifs/{options.server_name or target.address}")
