"""Kerberos tickets, got while hosts are down: one for the account itself, and one for each service (RFC 4120)."""

import asyncio
import importlib
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from unloop.channels.base import Deadline
from unloop.channels.kerberos import client_failure, is_installed
from unloop.errors import LogonUndecided
from unloop.secrets.secret import Secret

EXPIRES_SOON = 300
"""Seconds: the difference that Kerberos allows between clocks (RFC 4120, 1.6)."""


class KerberosAccount:
    """An account, and the tickets that it has got."""

    def __init__(self, username: str, password: Secret) -> None:
        domain, _, name = username.rpartition("\\")
        self._principal, self._password = f"{name}@{domain.upper()}" if domain else name, password
        self._lock = threading.Lock()
        self._held: Any = None

    def ticket_for(self, new_context: Callable[[Any], Any]) -> Any:
        """The credentials for GSS, with a ticket for the service of the context that is made of them.

        Asks the domain controller, and waits. Raises LogonRefused or LogonUndecided.
        """
        if not is_installed():
            raise LogonUndecided("Kerberos needs the extra unloop[kerberos]")
        try:
            held = self._got()
            new_context(held).step()
        except gssapi_library().exceptions.GSSError as error:
            raise client_failure(str(error)) from error
        return held

    def _got(self) -> Any:
        """The account's own ticket, got anew when it is about to expire; raises GSSError."""
        gssapi = gssapi_library()
        with self._lock:
            if self._held is None or self._held.lifetime < EXPIRES_SOON:
                name = gssapi.Name(self._principal, gssapi.NameType.kerberos_principal)
                got = gssapi.raw.acquire_cred_with_password(
                    name, self._password.reveal().encode(), usage="initiate", mechs=[gssapi.MechType.kerberos]
                )
                self._held = gssapi.Credentials(base=got.creds, usage="initiate")
            return self._held


async def get_ticket(prepare: Callable[[], None], deadline: Deadline) -> None:
    """Get a ticket in a thread; raises ChannelError, LogonUndecided when nobody gave one in time."""
    try:
        async with asyncio.timeout(deadline.left()):
            await asyncio.to_thread(prepare)
    except TimeoutError as error:
        raise LogonUndecided("nobody gave a ticket within the time allowed") from error


@lru_cache(maxsize=256)
def account_of(username: str, password: Secret) -> KerberosAccount:
    """The account of a name and password, the same one every time: thousands of hosts share a ticket to get tickets by."""
    return KerberosAccount(username, password)


def gssapi_library() -> Any:
    """The library, which not everybody has."""
    return importlib.import_module("gssapi")
