"""The tools under comparison: each is one client doing one repair on one server, from its first connect() on."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bad_file import HEADER_AND_TIMES, NAME, PATTERN, TIMES, order
from delayed_link import far

from unloop.channels.base import Deadline, Target
from unloop.channels.strike.registry import strike_for
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.secrets.secret import Credential, Secret

EXACT, BY_TIMES, BY_HEADER = "exact name", "glob, times", "glob, times, header"
SECONDS = 20.0
Told = Mapping[str, Any]
Run = Callable[[], object]


@dataclass(frozen=True)
class Tool:
    """``ready`` prepares one run, and clears up after it; what it gives connects, does the work, and returns.

    ``task`` is what is to be judged, ``way`` how this tool goes about it. ``goal``: the most round trips it may take.
    ``warm``: runs before the first that counts, for a tool that remembers the host. ``slow``: seconds, not milliseconds.
    """

    client: str
    server: str
    task: str
    way: str
    ready: Callable[[], AbstractContextManager[Run]]
    goal: float | None = None
    warm: int = 0
    is_slow: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it is held to a goal, or at least ours."""
        return self.client == "unloop"


_strangers = count(1)


def stranger() -> str:
    """An address of the far machine that nobody has spoken to: nothing is remembered of it."""
    return far(next(_strangers))


def credential_of(told: Told) -> Credential:
    """The account of a server, by its key where it has one."""
    key = Secret(Path(told["key"]).read_text()) if "key" in told else None
    return Credential("bench", told["username"], Secret(told.get("password", "")), "bench", key=key)


def ours(channel: str, told: Told, work: Order, *, address: Callable[[], str], **options: str) -> Any:
    """One strike of ours over a connection of its own."""
    made = strike_for(channel)
    assert made is not None

    @contextmanager
    def ready() -> Iterator[Run]:
        target = Target("bench", address(), told["port"], credential_of(told), options)
        with asyncio.Runner() as runner:
            runner.get_loop()
            strike = made(target, work)

            def run() -> None:
                report, _ = runner.run(strike.fire(None, Deadline.after(SECONDS)))
                assert report.verdict is Verdict.LANDED, report

            yield run

    return ready


def our_winrm(servers: Mapping[str, Told]) -> list[Tool]:
    """WinRM over HTTP, and over HTTPS with a session to resume and without."""
    tools = []
    if told := servers.get("winrm"):
        for task, work, goal in (
            (EXACT, order(), 2.6),
            (BY_TIMES, order(PATTERN, TIMES), 3.6),
            (BY_HEADER, order(PATTERN, HEADER_AND_TIMES), None),
        ):
            way = "WMI process" if task is BY_HEADER else "WMI"
            tools.append(Tool("unloop", "winrm", task, way, ours("winrm", told, work, address=stranger), goal))
    for server, goal in (("winrm tls 1.3", 3.6), ("winrm tls 1.2", 4.6)):
        if told := servers.get(server):
            options = {"ssl": "true", "cert_validation": told["authority"], "server_name": far(0)}
            new = ours("winrm", told, order(), address=stranger, **options)
            known = ours("winrm", told, order(), address=lambda: far(0), **options)
            tools.append(Tool("unloop", server, EXACT, "WMI, new host", new, goal))
            tools.append(Tool("unloop", server, EXACT, "WMI, resumed", known, 3.6, warm=1))
    return tools


def our_smb(servers: Mapping[str, Told]) -> list[Tool]:
    """SMB, to a host that is new, and to one that is known to take what goes ahead of its answers."""
    tools = []
    tasks = (
        (EXACT, order(), 4.6, 2.6),
        (BY_TIMES, order(PATTERN, TIMES), 5.6, 3.6),
        (BY_HEADER, order(PATTERN, HEADER_AND_TIMES), 6.6, 4.6),
    )
    for server in ("smb", "smbd"):
        if told := servers.get(server):
            for task, work, new, known in tasks:
                tools.append(Tool("unloop", server, task, "new host", ours("smb", told, work, address=stranger), new))
                again = ours("smb", told, work, address=lambda: far(0))
                tools.append(Tool("unloop", server, task, "pipelined", again, known, warm=2))
    return tools


def our_ssh(servers: Mapping[str, Told], directory: Path) -> list[Tool]:
    """SSH by SFTP."""
    tools = []
    for server in ("ssh", "sshd"):
        if told := servers.get(server):
            options = {"known_hosts": str(known_hosts(told, directory / f"known_{server}"))}
            for task, name, guard in (
                (EXACT, NAME, None),
                (BY_TIMES, PATTERN, TIMES),
                (BY_HEADER, PATTERN, HEADER_AND_TIMES),
            ):
                work = order(name, guard, root=told["root"])
                ready = ours("ssh", told, work, address=lambda: far(0), **options)
                tools.append(Tool("unloop", server, task, "SFTP", ready))
    return tools


def known_hosts(told: Told, path: Path) -> Path:
    """A file that knows the key of a server."""
    path.write_text(f"[{far(0)}]:{told['port']} {told['host_key'].strip()}\n")
    return path
