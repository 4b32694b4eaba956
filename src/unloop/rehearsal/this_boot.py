"""The boot in which a client came to a simulated host: what it started must not reach into another one."""

import asyncio

from unloop.rehearsal.machine import Machine, Phase


class ThisBoot:
    """One boot of one machine, as long as it lasts."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._number = machine, machine.boots

    def lasts(self) -> bool:
        """Whether the machine is still up in this boot."""
        return self._machine.boots == self._number and self._machine.phase is Phase.UP

    def restart(self, seconds: float) -> None:
        """Restart the machine so many seconds from now, unless something else has ended this boot by then."""
        asyncio.get_running_loop().call_later(seconds, self._restart)

    def _restart(self) -> None:
        if self.lasts():
            self._machine.restart()
