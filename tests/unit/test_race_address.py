"""Names and addresses: what is resolved, and how often."""

import asyncio
import socket
from typing import Any

from unloop.race.address import resolve


class Names(asyncio.SelectorEventLoop):
    """A loop whose name server knows one name, and counts who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> list[Any]:  # type: ignore[override]
        """One answer, or the error of a name that nobody knows."""
        self.asked.append(host)
        if len(host) > 253:
            raise UnicodeError("label too long")
        if host != "ws-1.example":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 0))]


def answers(*names: str) -> tuple[list[str | None], list[str]]:
    """What each of these names resolves to, one after the other, and what the name server was asked."""

    async def ask() -> list[str | None]:
        return [await resolve(name) for name in names]

    loop = Names()
    try:
        return loop.run_until_complete(ask()), loop.asked
    finally:
        loop.close()


def test_an_address_is_its_own_and_a_name_is_asked_for_each_time() -> None:
    """A host may have another address by now; a name that nobody knows, or that can be none, has no address."""
    impossible = "x" * 300
    found, asked = answers("192.0.2.1", "2001:db8::1", "ws-1.example", "ws-1.example", "gone.example", impossible)

    assert found == ["192.0.2.1", "2001:db8::1", "192.0.2.7", "192.0.2.7", None, None]
    assert asked == ["ws-1.example", "ws-1.example", "gone.example", impossible]
