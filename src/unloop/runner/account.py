"""Logging on without burning accounts: whose turn it is, and what each log-on told."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from unloop.errors import ChannelError, ConnectionLost, LogonRefused, LogonUndecided, Unreachable
from unloop.model.host import Endpoint, Host, Role
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store import accounts
from unloop.store.accounts import Budget, Turn

T = TypeVar("T")
POLL = 0.2


def credentials_of(tools: Tools, host: Host, endpoint: Endpoint) -> tuple[Credential, ...]:
    """The endpoint's credentials, local accounts first, except on domain controllers: they have none but DSRM's."""
    of_bmc = endpoint is host.bmc
    found = [tools.credentials.get(name, host.name, of_bmc=of_bmc) for name in endpoint.credentials]
    of_dsrm = endpoint.credentials == host.dsrm_credentials
    if host.role is Role.DOMAIN_CONTROLLER and not of_bmc and not of_dsrm:
        return tuple(credential for credential in found if not credential.is_local)
    return tuple(sorted(found, key=lambda credential: not credential.is_local))


async def log_on(tools: Tools, host: Host, endpoint: Endpoint, *, seconds: float, work: Callable[[Credential], T]) -> T:
    """Run blocking work that logs on, with the first credential that is allowed to; raises ChannelError.

    LogonRefused means that every credential was refused, now or before; LogonUndecided that none got its turn in time.
    """
    candidates = credentials_of(tools, host, endpoint)
    if not candidates:
        message = "no credential is named for this channel; name one in the inventory or in unloop.toml"
        raise LogonRefused(message, host=host.name, channel=endpoint.channel)
    last: ChannelError = LogonRefused("the account was refused before", host=host.name, channel=endpoint.channel)
    for credential in candidates:
        turn = await _turn(tools, credential, seconds=seconds)
        if turn is Turn.STOPPED:
            continue
        if turn is Turn.WAIT:
            message = f"account {credential.account} waits for a log-on elsewhere to be proven"
            last = LogonUndecided(message, host=host.name, channel=endpoint.channel)
            continue
        try:
            result = await asyncio.get_running_loop().run_in_executor(tools.strikes, work, credential)
        except ChannelError as error:
            await _tell(tools, credential, error)
            if not isinstance(error, LogonRefused):
                raise
            last = error
        else:
            await _prove(tools, credential)
            return result
    raise last


async def _turn(tools: Tools, credential: Credential, *, seconds: float) -> Turn:
    if credential.account in tools.proven:
        return Turn.GO
    end = tools.clock.monotonic() + seconds
    while True:
        question = partial(
            accounts.ask,
            tools.database,
            credential.account,
            owner=tools.owner,
            budget=Budget(),
            now=tools.now(),
            ttl=tools.options.strike + 5.0,
        )
        turn = await tools.in_store(question)
        if turn is not Turn.WAIT or tools.clock.monotonic() >= end:
            return turn
        await tools.clock.sleep(POLL)


async def _prove(tools: Tools, credential: Credential) -> None:
    if credential.account in tools.proven:
        return
    tools.proven.add(credential.account)
    await _report(tools, credential, "proven", "")


async def _tell(tools: Tools, credential: Credential, error: ChannelError) -> None:
    if isinstance(error, LogonRefused):
        tools.proven.discard(credential.account)
        await _report(tools, credential, "refused", str(error))
    elif isinstance(error, Unreachable | ConnectionLost):
        await _report(tools, credential, "unused", "")
    elif isinstance(error, LogonUndecided):
        await _report(tools, credential, "undecided", str(error))
    else:
        await _report(tools, credential, "unused", "")


async def _report(tools: Tools, credential: Credential, result: str, detail: str) -> None:
    answer = partial(accounts.tell, tools.database, credential.account, result=result, detail=detail, now=tools.now())
    await tools.in_store(answer)
