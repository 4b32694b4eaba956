"""Which channels can strike: found by entry point, loaded when used: a racer that needs no library holds none in memory."""

from typing import cast

from unloop import plugins
from unloop.channels.strike.base import Strike

GROUP, LIBRARIES = "unloop.strikes", "unloop.library_strikes"


def strike_for(channel: str) -> type[Strike] | None:
    """The strike of a channel, or None when it has none."""
    return cast("type[Strike]", plugins.load(GROUP, channel)) if channel in plugins.names(GROUP) else None


def library_strike_for(channel: str) -> type[Strike] | None:
    """The strike by general client libraries that takes over where the channel's own says Unsupported, or None."""
    return cast("type[Strike]", plugins.load(LIBRARIES, channel)) if channel in plugins.names(LIBRARIES) else None
