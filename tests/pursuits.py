"""One host of a campaign under pursuit, for tests: doors of its own, and a simulated machine behind a Redfish service."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaigns import campaign_with, claim, host
from quirky import Quirk, Quirky
from servers import free_port
from unloop.channels.switchboard import Switchboard
from unloop.clock import SystemClock
from unloop.model.host import Endpoint, Host, System
from unloop.model.host_run import HostRun, Step
from unloop.model.options import CampaignOptions
from unloop.model.order import Order
from unloop.model.report import RemedyReport, Verdict
from unloop.race.pacing import Pacer
from unloop.race.prober import Prober
from unloop.race.profile import Profiles
from unloop.race.turns import Turns
from unloop.rehearsal import redfish_bmc
from unloop.rehearsal.certificate import context_of, issue
from unloop.rehearsal.events import Happening
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.fleet import tarpit
from unloop.rehearsal.gate import Gate
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.scenario import generate
from unloop.runner.gate import Gate as Accounts
from unloop.runner.landing import Landing
from unloop.runner.rungs.notes import reported
from unloop.runner.rungs.pursuit import pursue
from unloop.runner.strike import Struck
from unloop.runner.tools import Tools
from unloop.runner.writer import Writer
from unloop.secrets.resolve import Credentials
from unloop.settings.schema import CredentialSettings, Settings
from unloop.store import progress as store_progress
from unloop.store.database import Database, open_database
from unloop.store.progress import Visit

ADDRESS, BMC = "127.0.0.64", "127.0.9.4"
PASSWORD = "a right password"
QUICK = CampaignOptions(
    look=2.0, watch=1.5, interval=0.1, observe=60.0, elapsed=600.0, power=20.0, power_poll=0.1, spacing=0.0, window=2.0
)


@dataclass
class Lands:
    """A shot that lands at once."""

    endpoint: Endpoint
    is_committed: bool = True

    async def prepare(self) -> None:
        """Nothing has to be got ready."""

    async def fire(self, sock: socket.socket | None) -> Struck:
        """Say that it has landed."""
        if sock is not None:
            sock.close()
        now = asyncio.get_running_loop().time()
        return Struck(self.endpoint.channel, now, now, RemedyReport(Verdict.LANDED))

    def cut_off(self, began: float) -> Struck:
        """What is left of it."""
        return Struck(self.endpoint.channel, began, began)


@dataclass
class Pursued:
    """What a test works with. ``doors``: the host's, by channel, dark until the test opens them."""

    database: Database
    tools: Tools
    host: Host
    doors: dict[str, Gate]
    machine: Machine
    service: Quirky
    lands_on: str = "smb"
    age: float = 0.0
    """Seconds for which the host has been on the rung of the race."""
    steps: list[Step] = field(default_factory=list)

    @property
    def resets(self) -> int:
        """How often a command took the machine down."""
        return len(self.machine.log.times(Happening.POWER_OFF))

    def claimed(self, *, owner: str = "me") -> HostRun:
        """The host, for its next visit, whenever that would be due."""
        (run,) = claim(self.database, now=self.tools.now() + 100.0, owner=owner, ttl=600.0)
        since = datetime.fromtimestamp(self.tools.now() - self.age, UTC)
        return replace(run, progress=replace(run.progress, rung_since=since, broken_evidence="reported broken"))

    async def attempt(self, run: HostRun | None = None) -> tuple[Step, Visit]:
        """One attempt, saved."""
        run = run or self.claimed()
        shots = {one.channel: Lands(one) for one in self.host.endpoints if one.channel == self.lands_on}
        step, visit = await pursue(run, self.tools, Landing(shots), reported)
        store_progress.save(self.database, run, step, visit, now=self.tools.now())
        self.steps.append(step)
        return step, visit


@contextmanager
def _tools(database: Database, options: CampaignOptions, power: Switchboard, secrets: Path) -> Iterator[Tools]:
    store, clock = ThreadPoolExecutor(1), SystemClock()

    async def in_store(work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(store, work)

    def no_order(_: Host) -> Order | None:
        return None

    secret = secrets / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    known = CredentialSettings(username="keeper", password=f"file:{secret}")
    prober = Prober()
    try:
        yield Tools(
            database=database,
            clock=clock,
            prober=prober,
            credentials=Credentials(Settings(credentials={"admin": known, "bmc": known})),
            options=options,
            order_for=no_order,  # type: ignore[arg-type]
            cleanup_for=no_order,
            traces_for=no_order,
            instructions_for=lambda *_: "",
            store=store,
            owner="me",
            writer=Writer(database, in_store, clock),
            gate=Accounts(database, in_store, clock, owner="me"),
            turns=Turns(8),
            profiles=Profiles(),
            pacer=Pacer(100.0),
            power=power,
        )
    finally:
        prober.close()
        power.leave()
        store.shutdown()


@asynccontextmanager
async def _machine(directory: Path, quirks: Sequence[Quirk]) -> AsyncIterator[tuple[Machine, Quirky, int]]:
    """A machine without services, and the port of the Redfish service before it."""
    made, port = issue([BMC]), free_port(BMC)
    (directory / "ca.pem").write_bytes(made.authority)
    (directory / "bmc.pem").write_bytes(made.server)
    plain = generate(1, 1, systems=(System.WINDOWS,))[0]
    spec = replace(plain, services=(), bmc_username="keeper", bmc_password=PASSWORD, off_seconds=0.05, on_seconds=0.05)
    machine = Machine(spec, FileTree(case_sensitive=False), lambda _: False, random.Random(1))  # noqa: S311
    service = Quirky(machine, *quirks)
    machine.start()
    server = await redfish_bmc.serve_with(service, BMC, port, context_of(directory / "bmc.pem"))
    try:
        yield machine, service, port
    finally:
        await machine.stop()
        server.close()
        await server.wait_closed()


Story = Callable[[Pursued], Coroutine[Any, Any, None]]


def pursued(
    directory: Path,
    story: Story,
    *quirks: Quirk,
    channels: Sequence[str] = ("smb",),
    refuse: Sequence[str] = (),
    address: str = ADDRESS,
    options: CampaignOptions = QUICK,
    power: Switchboard | None = None,
) -> None:
    """Play a story about a host that is known to crash-loop; ``refuse``: doors that refuse instead of keeping silent."""

    async def play() -> None:
        database = open_database(f"sqlite:///{directory / 'unloop.db'}")
        ports = {name: free_port(ADDRESS) for name in channels}
        doors = {name: Gate(ADDRESS, port, tarpit, refuse_when_shut=name in refuse) for name, port in ports.items()}
        board = power or Switchboard(spacing=0.0, poll=0.0)
        try:
            with _tools(database, options, board, directory) as tools:
                async with _machine(directory, quirks) as (machine, service, port):
                    found = _host(address, ports, port, directory)
                    campaign_with(database, found)
                    await story(Pursued(database, tools, found, doors, machine, service))
        finally:
            for door in doors.values():
                door.close()
            database.close()
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(play(), 60))


def _host(address: str, ports: Mapping[str, int], bmc_port: int, directory: Path) -> Host:
    trust = {"tls_ca": str(directory / "ca.pem")}
    return host(
        "a",
        address=address,
        endpoints=tuple(Endpoint(name, address, port, ("admin",)) for name, port in ports.items()),
        bmc=Endpoint("redfish", BMC, bmc_port, ("bmc",), trust),
        bmc_accepted=True,
    )
