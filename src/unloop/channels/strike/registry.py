"""Which channel strikes with what."""

from unloop.channels.strike.base import Strike
from unloop.channels.strike.smb import SmbStrike
from unloop.channels.strike.ssh import SshStrike
from unloop.channels.strike.winrm import WinrmStrike


def strike_for(channel: str) -> type[Strike] | None:
    """The strike of a channel, None when the channel can't strike."""
    strikes: tuple[type[Strike], ...] = (SmbStrike, SshStrike, WinrmStrike)
    return next((strike for strike in strikes if strike.channel == channel), None)
