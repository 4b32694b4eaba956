"""SSH: files over SFTP and programs over exec, with one log-on and a host key that must be known."""

import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import paramiko

from unloop.channels import sftp
from unloop.channels.base import Channel, Completed, Deadline, Target
from unloop.channels.dialogue import Answers, Round
from unloop.channels.mapping import in_time, mapped
from unloop.channels.sftp_session import SftpSession
from unloop.channels.sftp_talk import Talk
from unloop.channels.ssh_link import SshLink, dial, meaning_of
from unloop.channels.ssh_output import output_of
from unloop.channels.ssh_trust import HostKeyPolicy, KnownHosts
from unloop.errors import (
    ChannelError,
    ConnectionLost,
    InputError,
    LogonUndecided,
    NotFound,
    Problem,
    Unsupported,
)
from unloop.model.files import FileEntry
from unloop.model.order import Shell
from unloop.model.power import BootIdentity

T = TypeVar("T")
BOOT_ID, BOOT_ID_LENGTH = "/proc/sys/kernel/random/boot_id", 36
WINDOWS_ROOT, PAGE_FILE = "C:\\", "pagefile.sys"
GARBLED = (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError, ValueError, KeyError, IndexError, TypeError)
"""What paramiko raises on a broken connection, or on an answer that it can't read."""

SHELLS = {"sh": (Shell.SH,), "powershell": (Shell.POWERSHELL, Shell.CMD), "cmd": (Shell.POWERSHELL, Shell.CMD)}
BOOTSTRAP = (
    "$ProgressPreference='SilentlyContinue';[Console]::OutputEncoding=[Text.Encoding]::UTF8;"
    "$program=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String((@($input) -join '')));"
    "Invoke-Expression $program;exit $LASTEXITCODE"
)
"""Runs a PowerShell program of any length from standard input: a command line holds 8191 characters at most.

powershell.exe reads a redirected input itself and hands its lines on as $input, in the code page of the console: so the
program comes as base64.
"""


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How to reach a host over SSH.

    ``known_hosts``: the file of host keys. ``host_keys``: strict (a host must be in it) or accept_new (a new host is
    written into it; a changed key is always refused). ``agent``: log on with a key of the SSH agent, ``agent_key`` being
    its comment or fingerprint when it holds several. ``shell``: sh, or powershell or cmd for a Windows host.
    """

    known_hosts: str = "~/.ssh/known_hosts"
    host_keys: str = "strict"
    agent: bool = False
    agent_key: str = ""
    shell: str = "sh"

    def __post_init__(self) -> None:
        policies = tuple(str(policy) for policy in HostKeyPolicy)
        choices = (("host_keys", self.host_keys, policies), ("shell", self.shell, tuple(SHELLS)))
        problems = [
            Problem(f"option {name} of channel ssh is {value!r}", hint=f"known: {', '.join(known)}")
            for name, value, known in choices
            if value not in known
        ]
        if problems:
            raise InputError(*problems)


class SshChannel(Channel):
    """Files and programs over SSH. The method of log-on follows from the credential; exactly one is tried, once.

    PowerShell over SSH is written to the documentation of Windows OpenSSH and has not been run against one.
    """

    name: ClassVar[str] = "ssh"
    default_port: ClassVar[int] = 22
    title: ClassVar[str] = "Files and programs over SSH (Linux, and Windows with OpenSSH)"
    Options: ClassVar[type[SshOptions]] = SshOptions

    def __init__(self, target: Target, deadline: Deadline) -> None:
        super().__init__(target, deadline)
        self._settings: SshOptions = self.options
        self._link: SshLink | None = None
        self._sftp: SftpSession | None = None

    def open(self) -> None:
        """Connect, check the host key, and log on once."""
        self.open_over(lambda: dial(self.target.address, self.port, self.deadline))

    def open_over(self, connect: Callable[[], socket.socket], before_log_on: Callable[[], None] | None = None) -> None:
        """The same over a connection that is the channel's from then on; the log-on may have to wait for its turn."""
        credential, settings = self.target.credential, self._settings
        if credential is None:
            raise LogonUndecided("no credential is given", host=self.target.host, channel=self.name)
        names = (self.target.address, self.target.host)
        known = KnownHosts.of(settings.known_hosts, names=names, port=self.port)
        with self._mapped():
            link = self._link = SshLink(connect(), self.deadline)
            link.negotiate(known, HostKeyPolicy(settings.host_keys))
            if before_log_on is not None:
                before_log_on()
            link.log_on(credential, agent=settings.agent, agent_key=settings.agent_key)

    def close(self) -> None:
        """End the connection."""
        link, self._link, self._sftp = self._link, None, None
        if link is not None:
            link.close()

    def until(self, deadline: Deadline) -> None:
        """Whatever is asked from now on has until another deadline."""
        super().until(deadline)
        if self._link is not None:
            self._link.until(deadline)
        if self._sftp is not None:
            self._sftp.until(deadline)

    def answers(self, asks: Round) -> Answers:
        """Answer a round of a dialogue, all of it at a time."""
        with self._files() as files:
            return files.together(*map(sftp.answered, asks))

    def list_directory(self, directory: str) -> tuple[FileEntry, ...]:
        """Every regular file and directory in a directory."""
        return self._file_work(sftp.listed(directory))

    def read(self, path: str, *, limit: int) -> bytes:
        """The first ``limit`` bytes of a file."""
        return self._file_work(sftp.read(path, limit=limit))

    def sha256(self, path: str) -> str:
        """The SHA-256 of the whole file, lowercase hex."""
        return self._file_work(sftp.hashed(path))

    def move(self, source: str, destination: str) -> None:
        """Rename and sync; never overwrites; makes the destination's directories."""
        self._file_work(sftp.moved(source, destination))

    def delete(self, path: str) -> None:
        """Delete one file."""
        self._file_work(sftp.deleted(path))

    def write(self, path: str, content: bytes) -> None:
        """Write a new file and sync it; never overwrites; makes its directories."""
        self._file_work(sftp.written(path, content))

    def shells(self) -> tuple[Shell, ...]:
        """The shells that the option ``shell`` stands for."""
        return SHELLS[self._settings.shell]

    def run(self, shell: Shell, program: str) -> Completed:
        """Run a program to its end; PowerShell and sh take it on standard input, cmd takes one line."""
        command, given = self._command(shell, program)
        with self._mapped():
            channel = self._opened.channel()
            channel.exec_command(command)
            channel.sendall(given.encode())
            channel.shutdown_write()
            output, errors = output_of(channel)
            if not channel.status_event.wait(self.deadline.left()) or channel.exit_status < 0:
                raise ConnectionLost("the host did not say how the program ended")
            return Completed(channel.exit_status, output.decode(errors="replace"), errors.decode(errors="replace"))

    def boot_identity(self) -> BootIdentity:
        """By SFTP: Linux's boot id, or of a Windows host the last write of its page file, a heuristic as over SMB."""
        return self._file_work(_boot())

    def boot_meanwhile(self) -> Callable[[], BootIdentity]:
        """Ask for the boot with whatever is asked next; what is given back waits for the answer."""
        with self._files() as files:
            course = files.start(_boot())

        def boot() -> BootIdentity:
            with self._files() as files:
                return files.result(course)

        return boot

    @property
    def _opened(self) -> SshLink:
        if self._link is None:
            raise ConnectionLost("the channel is not open")
        return self._link

    def _command(self, shell: Shell, program: str) -> tuple[str, str]:
        if shell is Shell.SH:
            return "sh -s", program
        if shell is Shell.POWERSHELL:
            encoded = base64.b64encode(BOOTSTRAP.encode("utf-16-le")).decode()
            return (
                f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}",
                base64.b64encode(program.encode()).decode(),
            )
        if len(program.splitlines()) > 1:
            what = "cmd takes one line only over SSH"
            raise Unsupported(what, host=self.target.host, channel=self.name)
        return f"cmd.exe /d /c {program}", ""

    def _file_work(self, talk: Talk[T]) -> T:
        with self._files() as files:
            return files.result(files.start(talk))

    @contextmanager
    def _files(self) -> Iterator[SftpSession]:
        with self._mapped():
            if self._sftp is None:
                channel = self._opened.channel()
                channel.invoke_subsystem("sftp")
                self._sftp = SftpSession(channel, self.deadline)
            yield self._sftp

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        with mapped(self.target, self.name, self._meaning, *GARBLED):
            yield

    def _meaning(self, error: Exception) -> ChannelError:
        return in_time(meaning_of(error), self.deadline)


def _boot() -> Talk[BootIdentity]:
    try:
        value = yield from sftp.read(BOOT_ID, limit=BOOT_ID_LENGTH)
        return BootIdentity(value=value.decode("ascii", "replace").strip(), source="linux:boot_id")
    except NotFound:
        pass
    try:
        root = yield from sftp.listed(WINDOWS_ROOT)
    except NotFound:
        root = ()
    for entry in root:
        if entry.name.lower() == PAGE_FILE:
            return BootIdentity(value=entry.modified.isoformat(), source=f"sftp:{PAGE_FILE}")
    raise Unsupported(f"the host has neither a boot id nor a {PAGE_FILE}")
