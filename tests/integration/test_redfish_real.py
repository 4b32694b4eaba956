"""Our Redfish channel against a service that we did not write: sushy-tools' emulator, over TLS, with basic log-on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from servers import answers, free_port, require, running, wait_until
from unloop.channels.base import Deadline, Target
from unloop.channels.redfish import RedfishChannel
from unloop.channels.reset import Pace, reset
from unloop.channels.switchboard import Switchboard
from unloop.channels.uuid import same_uuid
from unloop.clock import SystemClock
from unloop.errors import ChannelError, LogonRefused, NotFound, Unsupported
from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal.certificate import issue
from unloop.secrets.secret import Credential, Secret

ADDRESS = "127.0.9.3"
USER, PASSWORD = "keeper", "a right password"
FIRST, SECOND = "8f14e45f-ceea-467f-a0e6-1d2c3b4a5968", "9f14e45f-ceea-467f-a0e6-1d2c3b4a5968"
PACE = Pace(off=40, on=40, poll=0.2)
CONFIG = """\
SUSHY_EMULATOR_FAKE_SYSTEMS = [
    {{"uuid": uuid, "name": name, "power_state": "On", "external_notifier": False, "nics": []}}
    for uuid, name in [({first!r}, "first"), ({second!r}, "second")]
]
SUSHY_EMULATOR_STATE_DIR = {state!r}
SUSHY_EMULATOR_AUTH_FILE = {accounts!r}
"""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Two systems that are on: the port, and the authority to trust."""
    program, port = require("sushy-emulator", str(Path(__file__).parents[2] / ".venv" / "bin")), free_port(ADDRESS)
    issued = issue([ADDRESS])
    authority, certificate, accounts = (tmp_path / name for name in ("ca.pem", "bmc.pem", "accounts"))
    authority.write_bytes(issued.authority)
    certificate.write_bytes(issued.server)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, prefix=b"2b")).decode()
    accounts.write_text(f"{USER}:{hashed.replace('$2b$', '$2y$')}\n")
    config = tmp_path / "emulator.conf"
    config.write_text(CONFIG.format(first=FIRST, second=SECOND, state=str(tmp_path), accounts=str(accounts)))
    place = ["-i", ADDRESS, "-p", str(port), "--ssl-certificate", str(certificate), "--ssl-key", str(certificate)]
    with running([program, "--fake", "--config", str(config), *place], log=tmp_path / "log"):
        wait_until(lambda: answers(ADDRESS, port), what="sushy-emulator")
        yield port, authority


def _channel(
    emulator: tuple[int, Path], board: Switchboard, *, password: str = PASSWORD, **options: str
) -> RedfishChannel:
    port, authority = emulator
    credential = Credential("c", USER, Secret(password), "account")
    target = Target("host-1", ADDRESS, port, credential, {"tls_ca": str(authority), **options})
    return RedfishChannel(target, Deadline.after(90), board)


async def _failure(channel: RedfishChannel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        async with channel:
            pass
    return caught.value


def test_a_host_is_taken_down_and_up_with_another_boot_device(emulator: tuple[int, Path]) -> None:
    """Off, boot from the network, on: seen from the emulator, whose transitions take seconds; the other system stays on."""

    async def main() -> tuple[PowerState, PowerState, bool]:
        board = Switchboard(spacing=0.1, poll=0.1)
        async with _channel(emulator, board, system=FIRST) as channel:
            right = same_uuid(await channel.system_uuid(), FIRST)
            await reset(channel, permit=lambda _: None, clock=SystemClock(), pace=PACE, boot=BootDevice.NETWORK)
            system, _ = await channel._system()
            assert system["Boot"]["BootSourceOverrideTarget"] == "Pxe"
            state = await channel.power_state()
        async with _channel(emulator, board, system=SECOND) as channel:
            return state, await channel.power_state(), right

    assert asyncio.run(main()) == (PowerState.ON, PowerState.ON, True)


def test_what_is_wrong_is_told(emulator: tuple[int, Path]) -> None:
    """A wrong password, a system that is not there, and a service with two systems of which none was named."""

    async def main() -> list[type[ChannelError]]:
        board = Switchboard()
        failures = [
            await _failure(_channel(emulator, board, password="wrong", system=FIRST)),
            await _failure(_channel(emulator, board, system="nobody")),
            await _failure(_channel(emulator, board)),
        ]
        return [type(failure) for failure in failures]

    assert asyncio.run(main()) == [LogonRefused, NotFound, Unsupported]
