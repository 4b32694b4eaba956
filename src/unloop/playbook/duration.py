"""Durations as playbooks write them: ``30s``, ``5m``, ``2h``, ``1d``, or a plain number of seconds."""

import re
from typing import Any

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: Any) -> float:
    """The seconds that a duration means; raises ValueError with a sentence for a person."""
    found = DURATION.fullmatch(str(value).strip())
    if isinstance(value, bool) or found is None:
        raise ValueError(f"{value!r} is no duration, such as 30s, 5m, 2h or a number of seconds")
    return float(found[1]) * SECONDS[found[2]]
