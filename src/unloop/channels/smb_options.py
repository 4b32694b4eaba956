"""What an inventory says of a host's SMB, and what of a host's paths and boot every SMB client of ours reads alike."""

import re
from dataclasses import dataclass
from datetime import datetime

from unloop.errors import ChannelError, InputError, Problem, Unsupported
from unloop.model.power import BootIdentity

AUTHENTICATIONS = ("ntlm", "kerberos")
PORT = 445
PAGE_FILE = "pagefile.sys"


@dataclass(frozen=True, slots=True)
class SmbOptions:
    """How to reach a host over SMB.

    ``share``: the share to open; ``X$`` holds drive ``X:``, any other one stands for ``C:``. ``require_encryption``:
    refuse a host that can't encrypt (signing is always required). ``auth``: ntlm or kerberos; one is tried, never both.
    ``server_name``: the host's name in its service principal, for kerberos to a bare address.
    """

    share: str = "C$"
    require_encryption: bool = False
    auth: str = "ntlm"
    server_name: str = ""

    def __post_init__(self) -> None:
        if self.auth not in AUTHENTICATIONS:
            hint = f"known: {', '.join(AUTHENTICATIONS)}"
            raise InputError(Problem(f"option auth of channel smb is {self.auth!r}", hint=hint))

    @property
    def drive(self) -> str:
        """The drive that the share holds."""
        drive = re.fullmatch(r"([A-Za-z])\$", self.share)
        return f"{drive[1].upper() if drive else 'C'}:"

    def relative(self, path: str) -> str:
        """A path as the share knows it; raises Unsupported when it is on another drive."""
        drive, _, rest = path.replace("/", "\\").partition("\\")
        if drive.upper() != self.drive:
            raise Unsupported(f"{path} is not on {self.drive}, which the share {self.share} holds")
        return rest.strip("\\")


def boot_identity(modified: datetime) -> BootIdentity:
    """The boot that the last write of the page file tells: a heuristic."""
    return BootIdentity(value=modified.isoformat(), source=f"smb:{PAGE_FILE}")


def boot_untold(options: SmbOptions) -> ChannelError:
    """Why a host's boot can't be told."""
    return Unsupported(f"{options.drive} has no {PAGE_FILE}")
