"""One host as its source tells it: field names and texts, before anything is checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from unloop.errors import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one host as text, with the place they come from. ``prefix`` is what the source puts before names."""

    values: Mapping[str, str]
    path: str
    line: int | None = None

    @property
    def place(self) -> str:
        """The place as people read it: ``hosts.csv:12``."""
        return f"{self.path}:{self.line}" if self.line else self.path

    def problem(self, what: str, hint: str = "") -> Problem:
        """A problem at this row; it names the host when the place alone doesn't."""
        name = self.values.get("name", "")
        return Problem(f"{name}: {what}" if name else what, self.path, self.line, hint=hint)


def texts(values: Mapping[str, object]) -> dict[str, str]:
    """The fields of a JSON or YAML object as text: lists are joined by spaces, ``labels`` becomes ``label.*``."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if key == "labels" and isinstance(value, Mapping):
            flat.update({f"label.{name}": _text(item) for name, item in value.items()})
        else:
            flat[str(key)] = _text(value)
    return flat


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return " ".join(_text(item) for item in value)
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if isoformat else value).strip()
