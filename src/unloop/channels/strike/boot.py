"""The boot in which a strike landed: worth knowing, but never at the price of the report."""

from unloop.channels.base import Observe
from unloop.errors import ChannelError
from unloop.model.power import BootIdentity


def boot_of(channel: Observe) -> BootIdentity | None:
    """The boot, or None when the host went down, or can't tell, after its report was complete."""
    try:
        return channel.boot_identity()
    except ChannelError:
        return None
