"""What channels to BMCs have in common: a seat at the switchboard, held from before the log-on until after the log-off."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from unloop.channels.base import AsyncChannel, Deadline, Target
from unloop.channels.mapping import placed
from unloop.channels.switchboard import Switchboard
from unloop.errors import ChannelError, ConnectionLost
from unloop.model.power import BootDevice, PowerState


class PowerChannel(AsyncChannel):
    """A channel to a BMC: one session at a time per BMC, spaced commands, and nothing left behind.

    Channels of one process are given one ``switchboard``; a channel without one makes its own.
    """

    def __init__(self, target: Target, deadline: Deadline, switchboard: Switchboard | None = None) -> None:
        super().__init__(target, deadline)
        self.switchboard = switchboard or Switchboard()
        self._has_own = switchboard is None
        self._bmc = f"{target.address} {self.port}"
        self._is_seated = False

    async def open(self) -> None:
        """Wait for the BMC to be free of other sessions of ours, then connect and log on."""
        with self._placed():
            await self.switchboard.seize(self._bmc, self.deadline)
            self._is_seated = True
            await self._connect()

    async def close(self) -> None:
        """Log off, and let the next one talk to the BMC."""
        if not self._is_seated:
            return
        try:
            with suppress(ChannelError):
                await self._disconnect()
        finally:
            self._is_seated = False
            self.switchboard.release(self._bmc)
            if self._has_own:
                self.switchboard.leave()

    async def power_state(self) -> PowerState:
        """What the BMC says now; asked no more often than the switchboard allows."""
        with self._placed():
            await self.switchboard.before_look(self._bmc, self.deadline)
            return await self._look()

    async def power_off(self) -> None:
        """Order a forced power-off, once."""
        await self._change_power(PowerState.OFF)

    async def power_on(self) -> None:
        """Order power-on, once."""
        await self._change_power(PowerState.ON)

    async def system_uuid(self) -> str:
        """The system's UUID in canonical form, '' when the BMC does not tell."""
        with self._placed():
            return await self._uuid()

    async def set_boot_once(self, device: BootDevice) -> None:
        """Set the one-time override, once."""
        with self._placed():
            await self.switchboard.before_change(self._bmc, self.deadline)
            await self._override(device)

    async def clear_boot_once(self) -> None:
        """Take the override back."""
        with self._placed():
            await self.switchboard.before_change(self._bmc, self.deadline)
            await self._override(None)

    async def _change_power(self, wanted: PowerState) -> None:
        with self._placed():
            await self.switchboard.before_change(self._bmc, self.deadline)
            await self._order(wanted)

    @abstractmethod
    async def _connect(self) -> None:
        """Connect and log on."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Log off and disconnect, whatever stands."""

    @abstractmethod
    async def _look(self) -> PowerState:
        """Ask for the power state."""

    @abstractmethod
    async def _order(self, wanted: PowerState) -> None:
        """Send the command that leads to ON or OFF, once."""

    @abstractmethod
    async def _uuid(self) -> str:
        """Ask for the system's UUID."""

    @abstractmethod
    async def _override(self, device: BootDevice | None) -> None:
        """Set the one-time boot device, or clear it."""

    @contextmanager
    def _placed(self) -> Iterator[None]:
        try:
            yield
        except ChannelError as error:
            raise error if error.host else placed(error, self.target, self.name) from error


def not_open() -> ConnectionLost:
    """The error of a channel that is used without being open."""
    return ConnectionLost("the channel is not open")
