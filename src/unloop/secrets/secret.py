"""A secret that does not print itself, and the credential that carries one."""

from dataclasses import dataclass
from typing import Any, NoReturn


class Secret:
    """Text that shows as ``***`` everywhere but through reveal(), and refuses to be pickled."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: call it only where it goes to the host."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return format("***", specification)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self


@dataclass(frozen=True, slots=True)
class Credential:
    """A resolved credential. ``name`` is what settings and inventory call it; ``account`` is what can be burned.

    ``account`` is the same for every host when the account is a domain one, and holds the host's name when it is local.
    ``key`` is a private key (PEM or OpenSSH text) for SSH; ``certificate`` and ``key`` serve WinRM certificate log-on.
    """

    name: str
    username: str
    password: Secret
    account: str
    is_local: bool = True
    key: Secret | None = None
    certificate: str = ""
