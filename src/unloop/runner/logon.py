"""Logging on to one endpoint of a host, with the credentials that it has, in the order to try them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from unloop.errors import ChannelError, LogonRefused
from unloop.model.host import Endpoint, Host, Role
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential

T = TypeVar("T")


def credentials_of(tools: Tools, host: Host, endpoint: Endpoint) -> tuple[Credential, ...]:
    """The endpoint's credentials, local accounts first, except on domain controllers: they have none but DSRM's."""
    of_bmc = endpoint is host.bmc
    found = [tools.credentials.get(name, host.name, of_bmc=of_bmc) for name in endpoint.credentials]
    of_dsrm = endpoint.credentials == host.dsrm_credentials
    if host.role is Role.DOMAIN_CONTROLLER and not of_bmc and not of_dsrm:
        return tuple(credential for credential in found if not credential.is_local)
    return tuple(sorted(found, key=lambda credential: not credential.is_local))


async def log_on(tools: Tools, host: Host, endpoint: Endpoint, work: Callable[[Credential], Awaitable[T]]) -> T:
    """Do work that logs on, with the first credential that is allowed to; raises ChannelError with host and channel."""
    try:
        return await with_any(tools, credentials_of(tools, host, endpoint), work)
    except ChannelError as error:
        if error.host:
            raise
        raise type(error)(error.message, host=host.name, channel=endpoint.channel) from error


async def with_any(tools: Tools, credentials: tuple[Credential, ...], work: Callable[[Credential], Awaitable[T]]) -> T:
    """The same with credentials that are known already."""
    return await tools.gate.log_on(some(credentials), work, seconds=tools.options.strike)


def some(credentials: tuple[Credential, ...]) -> tuple[Credential, ...]:
    """Credentials, where there are any; raises LogonRefused."""
    if not credentials:
        raise LogonRefused("no credential is named for this channel; name one in the inventory or in unloop.toml")
    return credentials


async def log_on_blocking(tools: Tools, host: Host, endpoint: Endpoint, work: Callable[[Credential], T]) -> T:
    """The same for work that blocks: it runs in a thread."""

    async def in_thread(credential: Credential) -> T:
        return await asyncio.to_thread(work, credential)

    return await log_on(tools, host, endpoint, in_thread)
