"""Which channels can strike: found by entry point, loaded when used."""

from typing import cast

from unloop import plugins
from unloop.channels.strike.base import Strike

GROUP = "unloop.strikes"


def strike_for(channel: str) -> type[Strike] | None:
    """The strike of a channel, or None when it has none."""
    return cast("type[Strike]", plugins.load(GROUP, channel)) if channel in plugins.names(GROUP) else None
