"""IPMI 2.0 over RMCP+: power and one-time boot through a BMC (IPMI v2.0 rev. 1.1), on the protocol core in rmcp/."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from unloop.channels.base import Deadline, Target
from unloop.channels.power import PowerChannel, not_open
from unloop.channels.rmcp import chassis
from unloop.channels.rmcp.failures import NoAnswer, WrongPassword
from unloop.channels.rmcp.logon import log_on
from unloop.channels.rmcp.message import Command
from unloop.channels.rmcp.rakp import MOST_NAME, MOST_PASSWORD, Account
from unloop.channels.rmcp.script import Script
from unloop.channels.rmcp.session import Session
from unloop.channels.rmcp.suite import SUITE_3, SUITE_17, Suite
from unloop.channels.rmcp.talk import close, leave, order, query
from unloop.channels.rmcp.udp import Conversation
from unloop.channels.switchboard import Switchboard, peer_of
from unloop.errors import ChannelError, InputError, LogonRefused, LogonUndecided, Problem, ProtocolError, Unsupported
from unloop.model.power import BootDevice, PowerState

ResultT = TypeVar("ResultT")

SUITES: dict[str, tuple[Suite, ...]] = {"auto": (SUITE_17, SUITE_3), "17": (SUITE_17,), "3": (SUITE_3,)}
LEVELS = {"operator": 0x03, "administrator": 0x04}
CLOSE_SECONDS = 3.0
"""The end of a session gets this much time, also when the channel's own time is up."""


@dataclass(frozen=True, slots=True)
class IpmiOptions:
    """How to reach a BMC over IPMI.

    ``cipher_suite``: auto (17, or 3 where the BMC says that it does not offer 17), 17 or 3. ``privilege``: the level to
    log on with, operator (enough for power and boot) or administrator. ``uefi``: the host boots by UEFI.
    """

    cipher_suite: str = "auto"
    privilege: str = "operator"
    uefi: bool = True

    def __post_init__(self) -> None:
        for name, text, known in (
            ("cipher_suite", self.cipher_suite, SUITES),
            ("privilege", self.privilege, LEVELS),
        ):
            if text not in known:
                raise InputError(Problem(f"option {name} of channel ipmi is {text!r}; known: {', '.join(known)}"))


class IpmiChannel(PowerChannel):
    """Power over IPMI. Queries are repeated; a control command is sent once, and the caller looks at what came of it."""

    name: ClassVar[str] = "ipmi"
    default_port: ClassVar[int] = 623
    title: ClassVar[str] = "Power and one-time boot over IPMI 2.0 (RMCP+)"
    Options: ClassVar[type[IpmiOptions]] = IpmiOptions

    def __init__(self, target: Target, deadline: Deadline, switchboard: Switchboard | None = None) -> None:
        super().__init__(target, deadline, switchboard)
        self._settings: IpmiOptions = self.options
        self._conversation: Conversation | None = None
        self._session: Session | None = None

    async def _connect(self) -> None:
        self._account()
        self.deadline.left()
        peer = await peer_of(self.target.address, self.port)
        self._conversation = self.switchboard.port(peer[0]).conversation(peer)
        await self._log_on()

    async def _disconnect(self) -> None:
        session, self._session = self._session, None
        conversation, self._conversation = self._conversation, None
        if conversation is None:
            return
        try:
            if session is not None:
                await conversation.run(close(session), Deadline.after(CLOSE_SECONDS))
        finally:
            conversation.close()

    async def _look(self) -> PowerState:
        return chassis.power_state(await self._query(chassis.STATUS))

    async def _order(self, wanted: PowerState) -> None:
        await self._send(chassis.POWER_UP if wanted is PowerState.ON else chassis.POWER_DOWN)

    async def _uuid(self) -> str:
        try:
            return chassis.system_uuid(await self._query(chassis.SYSTEM_GUID))
        except (Unsupported, ProtocolError):
            return ""

    async def _override(self, device: BootDevice | None) -> None:
        """Boot flags are kept longer than the 60 s that a BMC would allow, where it can: OpenBMC for one can't."""
        if device is None:
            await self._send_flags(chassis.CLEAR_BOOT_FLAGS, None)
            return
        with suppress(ChannelError):
            await self._send(chassis.KEEP_BOOT_FLAGS)
        await self._send_flags(chassis.set_boot_flags(device, uefi=self._settings.uefi), device)

    async def _send_flags(self, command: Command, wanted: BootDevice | None) -> None:
        """Send boot flags once; when that was not answered, what the BMC holds decides."""
        try:
            await self._send(command)
        except NoAnswer:
            if chassis.boot_device(await self._query(chassis.BOOT_FLAGS)) is not wanted:
                raise

    async def _log_on(self) -> None:
        self._session = await self._run(log_on(self._account(), SUITES[self._settings.cipher_suite], os.urandom))

    async def _query(self, command: Command) -> bytes:
        """Ask within the session; one that went silent may be gone at the BMC, and is replaced once."""
        try:
            return await self._run(query(self._standing, command))
        except NoAnswer:
            self.deadline.left()
            await self._run(leave(self._standing))
            self._session = None
            await self._log_on()
            return await self._run(query(self._standing, command))

    async def _send(self, command: Command) -> None:
        await self._run(order(self._standing, command, level=LEVELS[self._settings.privilege]))

    @property
    def _standing(self) -> Session:
        if self._session is None:
            raise not_open()
        return self._session

    async def _run(self, script: Script[ResultT]) -> ResultT:
        if self._conversation is None:
            raise not_open()
        return await self._conversation.run(script, self.deadline)

    def _account(self) -> Account:
        credential = self.target.credential
        if credential is None:
            raise LogonUndecided("no credential is given")
        name, password = credential.username.encode(), credential.password.reveal().encode()
        if len(name) > MOST_NAME:
            raise LogonRefused(f"IPMI user names have at most {MOST_NAME} bytes")
        if len(password) > MOST_PASSWORD:
            raise WrongPassword(f"IPMI passwords have at most {MOST_PASSWORD} bytes")
        return Account(name, password, LEVELS[self._settings.privilege])
