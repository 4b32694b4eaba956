"""WinRM: PowerShell over PSRP and single commands over WinRS, with one log-on and messages always encrypted."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar
from xml.etree import ElementTree as ET

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import Process, SignalCode, WinRS
from spnego.exceptions import SpnegoError

from unloop.channels.base import Channel, Completed, Deadline, Target
from unloop.channels.mapping import in_time, mapped
from unloop.channels.winrm_errors import meaning_of
from unloop.channels.winrm_link import BoundWSMan, find_text, make_wsman
from unloop.channels.winrm_options import HTTP_PORT, WinrmOptions
from unloop.errors import ChannelError, ConnectionLost, LogonUndecided, ProtocolError, Unsupported
from unloop.model.order import Shell
from unloop.model.power import BootIdentity

GARBLED = (
    ImportError,
    WinRMError,
    SpnegoError,
    requests.RequestException,
    OSError,
    ET.ParseError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
)
"""What pypsrp and the libraries below it raise on a broken connection, or on an answer that they can't read."""

LAST_BOOT = "SELECT LastBootUpTime FROM Win32_OperatingSystem"
UTF_8 = 65001


class WinrmChannel(Channel):
    """Programs over WinRM. A new connection for every use: after a break pypsrp would send with stale keys for ever."""

    name: ClassVar[str] = "winrm"
    default_port: ClassVar[int] = HTTP_PORT
    title: ClassVar[str] = "Programs over WinRM (PowerShell remoting and WinRS), HTTP with sealed messages or HTTPS"
    Options: ClassVar[type[WinrmOptions]] = WinrmOptions

    def __init__(self, target: Target, deadline: Deadline) -> None:
        super().__init__(target, deadline)
        self._settings: WinrmOptions = self.options
        self._files = ExitStack()
        self._wsman: BoundWSMan | None = None

    @property
    def port(self) -> int:
        """The port in use: the target's, or 5986 for HTTPS and 5985 for HTTP."""
        return self._settings.port(self.target)

    def open(self) -> None:
        """Connect and log on, with the query that tells the boot: it is the cheapest that shows both."""
        with self._mapped():
            self._wsman = make_wsman(self.target, self.port, self._settings, self.deadline, self._files)
            self._ask_boot()

    def close(self) -> None:
        """Close the connection; the host ends shells that were left open by itself."""
        wsman, self._wsman = self._wsman, None
        if wsman is not None:
            wsman.close()
        self._files.close()

    def until(self, deadline: Deadline) -> None:
        """Whatever is asked from now on has until another deadline."""
        super().until(deadline)
        if self._wsman is not None:
            self._wsman.until(deadline)

    def shells(self) -> tuple[Shell, ...]:
        """PowerShell and cmd."""
        return (Shell.POWERSHELL, Shell.CMD)

    def run(self, shell: Shell, program: str) -> Completed:
        """Run a program to its end: PowerShell over PSRP, one cmd line over WinRS."""
        if shell is Shell.POWERSHELL:
            return self._run_powershell(program)
        if shell is Shell.CMD and len(program.splitlines()) <= 1:
            return self._run_command(program)
        what = "cmd takes one line only over WinRM" if shell is Shell.CMD else f"WinRM has no shell {shell}"
        raise Unsupported(what, host=self.target.host, channel=self.name)

    def boot_identity(self) -> BootIdentity:
        """Win32_OperatingSystem.LastBootUpTime, as the host writes it."""
        with self._mapped():
            return self._ask_boot()

    def _ask_boot(self) -> BootIdentity:
        value = find_text(self._opened.query(LAST_BOOT), "LastBootUpTime")
        return BootIdentity(value=value, source="windows:LastBootUpTime")

    def _run_powershell(self, program: str) -> Completed:
        """The exit code is 1 when the pipeline failed; what it wrote as errors is stderr even when it did not."""
        with self._mapped():
            pool = RunspacePool(self._opened, no_profile=True)
            pool.open()
            shell = PowerShell(pool)
            shell.add_script(program)
            shell.invoke()
            output = "".join(f"{item}\n" for item in shell.output)
            errors = "".join(f"{item}\n" for item in shell.streams.error)
            # Only a sound pool is closed: closing one whose connection broke would log on anew.
            pool.close()
            return Completed(1 if shell.had_errors else 0, output, errors)

    def _run_command(self, program: str) -> Completed:
        with self._mapped():
            shell = WinRS(self._opened, codepage=UTF_8, no_profile=True)
            shell.open()
            process = Process(shell, program)
            process.invoke()
            process.signal(SignalCode.CTRL_C)
            shell.close()
            if process.rc is None:
                raise ProtocolError("the host did not say how the command ended")
            output, errors = (stream.decode(errors="replace") for stream in (process.stdout, process.stderr))
            return Completed(int(process.rc), output, errors)

    @property
    def _opened(self) -> BoundWSMan:
        if self._wsman is None:
            raise ConnectionLost("the channel is not open")
        return self._wsman

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        with mapped(self.target, self.name, self._meaning, *GARBLED):
            yield

    def _meaning(self, error: Exception) -> ChannelError:
        if not isinstance(error, AuthenticationError):
            return in_time(meaning_of(error), self.deadline)
        if self._wsman is None or self.target.credential is None:
            return LogonUndecided("the host offers no way to log on that we know")
        return self._wsman.judge_refusal(self.target.credential)
