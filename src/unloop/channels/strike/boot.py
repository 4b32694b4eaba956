"""The boot in which a strike landed: worth knowing, but never at the price of the report."""

from collections.abc import Callable

from unloop.channels.base import Channel, Deadline
from unloop.errors import ChannelError
from unloop.model.power import BootIdentity

SECONDS = 1.0
"""What the question for the boot may take once the report is complete, however much time that has left."""


def boot_of(channel: Channel, ask: Callable[[], BootIdentity]) -> BootIdentity | None:
    """The boot, or None when the host went down, keeps silent or can't tell, after its report was complete."""
    try:
        channel.until(Deadline.after(SECONDS))
        return ask()
    except ChannelError:
        return None
