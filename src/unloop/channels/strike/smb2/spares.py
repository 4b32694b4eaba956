"""What rides along with the flights of a remedy: the boot, and a second look at the negotiation."""

import contextlib
import struct
from collections.abc import Sequence

from unloop.channels.smb_options import PAGE_FILE, boot_identity
from unloop.channels.smb_status import STATUS_FILE_CLOSED, STATUS_NOT_SUPPORTED, STATUS_SUCCESS
from unloop.channels.strike.smb2 import requests
from unloop.channels.strike.smb2.answers import controlled, listed
from unloop.channels.strike.smb2.chain import Chain
from unloop.channels.strike.smb2.crypto import DIALECT_311
from unloop.channels.strike.smb2.negotiate import Choice, Offer
from unloop.channels.strike.smb2.wire import encoded
from unloop.errors import ProtocolError
from unloop.model.power import BootIdentity

_INVALID_DEVICE_REQUEST = 0xC0000010
_NEVER_HEARD_OF_IT = frozenset({STATUS_FILE_CLOSED, STATUS_NOT_SUPPORTED, _INVALID_DEVICE_REQUEST})
"""The signed answers of hosts older than SMB 3 ([MS-SMB2] 3.2.5.14.12)."""
_ROOT = requests.create(b"", requests.READING, requests.DIRECTORY, "boot")
_PAGE_FILE = requests.query_directory(encoded(PAGE_FILE), "boot")


class Spares:
    """Chains that are worth having, but no flight of their own before the remedy has landed."""

    def __init__(self) -> None:
        self._boot = Chain((_ROOT, _PAGE_FILE), is_spare=True)
        self._check: Chain | None = None
        self._expected = b""

    def check(self, offer: Offer, agreed: Choice) -> None:
        """Have the host confirm what was negotiated; 3.1.1 proves it by its keys ([MS-SMB2] 3.2.5.5)."""
        if agreed.dialect < DIALECT_311:
            self._check = Chain((requests.validate(offer.validation()),), is_spare=True)
            self._expected = agreed.validation()

    @property
    def waiting(self) -> Sequence[Chain]:
        """Those that have not flown to their ends."""
        chains = (self._boot,) if self._check is None else (self._boot, self._check)
        return [chain for chain in chains if chain.rest]

    def judge(self) -> None:
        """Raise ProtocolError when somebody changed the negotiation on its way."""
        check = self._check
        if check is None or not check.answers:
            return
        status = check.status(0)
        is_same = status == STATUS_SUCCESS and controlled(check.answers[0]) == self._expected
        if not is_same and status not in _NEVER_HEARD_OF_IT:
            raise ProtocolError("the negotiation was changed on its way")

    @property
    def boot(self) -> BootIdentity | None:
        """The boot as the page file tells it, None when it can't be told."""
        with contextlib.suppress(ProtocolError, struct.error):
            for entry in (
                listed(self._boot.answers[1]) if len(self._boot.answers) > 1 and not self._boot.status(1) else ()
            ):
                if entry.name.lower() == PAGE_FILE:
                    return boot_identity(entry.modified)
        return None
