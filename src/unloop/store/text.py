"""Text that hosts and people wrote, made fit for any store: what one host says must not keep others from being saved.

PostgreSQL takes no NUL and both stores no lone surrogates, which Python makes of bytes that are no UTF-8.
"""

import json
from typing import Any

from sqlalchemy import Text, TypeDecorator

from unloop.model.text import fit

LONGEST = 20_000
"""Characters that are kept of one text."""


class HostText(TypeDecorator[str]):
    """A text column, or a shorter one, for what was read from a host: kept as far as it can be."""

    impl = Text
    cache_ok = True

    def __init__(self, longest: int = LONGEST) -> None:
        super().__init__()
        self.longest = longest

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        """What is stored."""
        return None if value is None else fit(value)[: self.longest]


def to_json(value: Any) -> str:
    """One JSON text; raises TypeError for what is none."""
    return fit(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
