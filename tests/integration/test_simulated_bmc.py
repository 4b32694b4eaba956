"""Our simulated BMCs, judged by clients that we did not write: ipmitool, FreeIPMI, python-ipmi and sushy."""

import random
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyipmi
import pyipmi.interfaces
import pytest
import sushy
from pyipmi.errors import AuthenticationError
from sushy import auth, exceptions

from loops import LoopThread, loop_thread
from servers import free_port, require, wait_until
from unloop.model.host import System
from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal import ipmi_bmc, redfish_bmc
from unloop.rehearsal.certificate import context_of, issue
from unloop.rehearsal.events import Happening
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.machine import BootOverride, Machine
from unloop.rehearsal.scenario import generate

UUID = "8f14e45f-ceea-467f-a0e6-1d2c3b4a5968"
ADDRESS = "127.0.9.1"
USER, PASSWORD = "keeper", "a right password"


@dataclass
class Bmc:
    """A machine with a BMC in front, on a loop of its own."""

    machine: Machine
    port: int
    thread: LoopThread
    authority: Path | None = None

    def is_power(self, state: PowerState) -> bool:
        """Whether the machine's power is in this state now."""
        return self.machine.power is state

    def await_power(self, state: PowerState) -> None:
        """Wait until the machine got there."""
        wait_until(lambda: self.is_power(state), what=f"power {state}")

    @property
    def resets(self) -> int:
        """How often a command took the machine down."""
        return len(self.machine.log.times(Happening.POWER_OFF))


def _machine() -> Machine:
    spec = replace(
        generate(1, 1, systems=(System.WINDOWS,))[0],
        services=(),
        uuid=UUID,
        bmc_uuid=UUID,
        bmc_username=USER,
        bmc_password=PASSWORD,
        off_seconds=0.05,
        on_seconds=0.05,
        is_bmc_busy=True,
    )
    return Machine(spec, FileTree(case_sensitive=False), lambda _: False, random.Random(1))  # noqa: S311


async def _start(machine: Machine) -> None:
    machine.start()


@pytest.fixture
def ipmi() -> Iterator[Bmc]:
    """A machine behind our IPMI server."""
    with loop_thread() as thread:
        port = free_port(ADDRESS, socket.SOCK_DGRAM)
        machine = _machine()
        thread.run(_start(machine))
        transport = thread.run(ipmi_bmc.serve(machine, ADDRESS, port))
        yield Bmc(machine, port, thread)
        thread.run(machine.stop())
        thread.run(_close(transport))


@pytest.fixture
def redfish(tmp_path: Path) -> Iterator[Bmc]:
    """A machine behind our Redfish server, with a certificate of an authority of its own."""
    issued = issue([ADDRESS])
    authority, certificate = tmp_path / "ca.pem", tmp_path / "bmc.pem"
    authority.write_bytes(issued.authority)
    certificate.write_bytes(issued.server)
    with loop_thread() as thread:
        port = free_port(ADDRESS)
        machine = _machine()
        thread.run(_start(machine))
        server = thread.run(redfish_bmc.serve(machine, ADDRESS, port, context_of(certificate)))
        yield Bmc(machine, port, thread, authority)
        thread.run(machine.stop())
        thread.run(_close(server))


async def _close(server: object) -> None:
    server.close()  # type: ignore[attr-defined]


def _run(arguments: list[str], *, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    environment = {"IPMI_PASSWORD": password, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/nonexistent"}
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, env=environment, check=False)


def _ipmitool(bmc: Bmc, suite: str, *words: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    program = require("ipmitool")
    place = ["-I", "lanplus", "-H", ADDRESS, "-p", str(bmc.port), "-U", USER, "-E", "-C", suite, "-R", "2", "-N", "2"]
    return _run([program, *place, *words], password=password)


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmitool_controls_power(ipmi: Bmc, suite: str) -> None:
    """ipmitool takes the host off and on with cipher suites 3 and 17, and each off is counted once."""
    assert _ipmitool(ipmi, suite, "power", "status").stdout == "Chassis Power is on\n"
    assert _ipmitool(ipmi, suite, "power", "off").returncode == 0
    ipmi.await_power(PowerState.OFF)
    assert _ipmitool(ipmi, suite, "power", "status").stdout == "Chassis Power is off\n"
    assert _ipmitool(ipmi, suite, "power", "off").returncode == 0
    assert _ipmitool(ipmi, suite, "power", "on").returncode == 0
    ipmi.await_power(PowerState.ON)
    assert ipmi.resets == 1


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmitool_reads_the_guid(ipmi: Bmc, suite: str) -> None:
    """The system's GUID is the machine's UUID, in SMBIOS order."""
    answer = _ipmitool(ipmi, suite, "mc", "guid", "smbios")
    assert UUID in answer.stdout.lower()


def test_ipmitool_cycles_only_a_host_that_is_on(ipmi: Bmc) -> None:
    """Cycle and reset take a host down once each; while it is off they are refused."""
    assert _ipmitool(ipmi, "17", "power", "cycle").returncode == 0
    ipmi.await_power(PowerState.ON)
    assert _ipmitool(ipmi, "17", "power", "reset").returncode == 0
    assert ipmi.resets == 2
    _ipmitool(ipmi, "17", "power", "off")
    ipmi.await_power(PowerState.OFF)
    refused = _ipmitool(ipmi, "17", "power", "cycle")
    assert "Command not supported in present state" in refused.stderr
    assert ipmi.resets == 3


def test_ipmitool_sets_one_boot_from_the_network(ipmi: Bmc) -> None:
    """A one-time override is there until a boot has used it, and then is gone."""
    _ipmitool(ipmi, "17", "power", "off")
    ipmi.await_power(PowerState.OFF)
    assert _ipmitool(ipmi, "17", "chassis", "bootdev", "pxe", "options=efiboot").returncode == 0
    assert ipmi.machine.state["boot_override"] == BootOverride(BootDevice.NETWORK)
    assert "Force PXE" in _ipmitool(ipmi, "17", "chassis", "bootparam", "get", "5").stdout
    _ipmitool(ipmi, "17", "power", "on")
    ipmi.await_power(PowerState.ON)
    wait_until(lambda: "boot_override" not in ipmi.machine.state, what="the boot")
    boots = [event.detail["device"] for event in ipmi.machine.log.events if event.what is Happening.BOOT]
    assert boots[-1] is BootDevice.NETWORK
    assert "Boot Flag Invalid" in _ipmitool(ipmi, "17", "chassis", "bootparam", "get", "5").stdout


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmitool_is_refused_with_a_wrong_password(ipmi: Bmc, suite: str) -> None:
    """A wrong password opens nothing."""
    answer = _ipmitool(ipmi, suite, "power", "off", password="a wrong password")
    assert answer.returncode != 0
    assert "Unable to establish IPMI v2 / RMCP+ session" in answer.stderr
    assert ipmi.resets == 0


def _freeipmi(
    program: str, bmc: Bmc, tmp_path: Path, suite: str, *orders: str, password: str = PASSWORD, user: str = USER
) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "freeipmi.conf"
    config.touch(mode=0o600)
    config.write_text(f'username {user}\npassword "{password}"\n')
    place = ["--config-file", str(config), "-h", f"{ADDRESS}:{bmc.port}", "-D", "LAN_2_0", "-I", suite]
    return _run([require(program), *place, "--session-timeout=4000", *orders])


def _ipmipower(bmc: Bmc, tmp_path: Path, suite: str, order: str, *, password: str = PASSWORD, user: str = USER) -> str:
    return _freeipmi("ipmipower", bmc, tmp_path, suite, order, password=password, user=user).stdout.strip()


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmipower_controls_power(ipmi: Bmc, tmp_path: Path, suite: str) -> None:
    """FreeIPMI does the same, with both suites."""
    assert _ipmipower(ipmi, tmp_path, suite, "--stat") == f"{ADDRESS}: on"
    assert _ipmipower(ipmi, tmp_path, suite, "--off") == f"{ADDRESS}: ok"
    ipmi.await_power(PowerState.OFF)
    assert _ipmipower(ipmi, tmp_path, suite, "--stat") == f"{ADDRESS}: off"
    assert _ipmipower(ipmi, tmp_path, suite, "--on") == f"{ADDRESS}: ok"
    ipmi.await_power(PowerState.ON)
    assert ipmi.resets == 1


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmipower_names_what_is_wrong(ipmi: Bmc, tmp_path: Path, suite: str) -> None:
    """FreeIPMI tells a wrong password from an unknown user, as with real BMCs."""
    wrong = _ipmipower(ipmi, tmp_path, suite, "--off", password="wrong")
    assert wrong == f"{ADDRESS}: password invalid"
    unknown = _ipmipower(ipmi, tmp_path, suite, "--off", user="nobody")
    assert unknown == f"{ADDRESS}: username invalid"
    assert ipmi.resets == 0


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmi_chassis_reads_and_controls(ipmi: Bmc, tmp_path: Path, suite: str) -> None:
    """FreeIPMI's other client reads the chassis' status and switches off, with both suites."""
    status = _freeipmi("ipmi-chassis", ipmi, tmp_path, suite, "--get-chassis-status").stdout
    assert re.search(r"System Power\s+: on", status)
    ordered = _freeipmi("ipmi-chassis", ipmi, tmp_path, suite, "--chassis-control=POWER-DOWN")
    assert (ordered.returncode, ordered.stderr) == (0, "")
    ipmi.await_power(PowerState.OFF)
    assert ipmi.resets == 1


@contextmanager
def _python_ipmi(bmc: Bmc, password: str) -> Iterator[pyipmi.Ipmi]:
    interface = pyipmi.interfaces.create_interface("rmcpplus", cipher_suite=3, keep_alive_interval=0)
    connection = pyipmi.create_connection(interface)
    connection.session.set_session_type_rmcp(ADDRESS, port=bmc.port)
    connection.session.set_auth_type_user(USER, password)
    connection.target = pyipmi.Target(ipmb_address=0x20)
    try:
        connection.open()
        yield connection
        connection.session.close()
    finally:
        interface.close()


def test_python_ipmi_controls_power(ipmi: Bmc) -> None:
    """python-ipmi logs on with suite 3, reads the state and takes the host down once."""
    with _python_ipmi(ipmi, PASSWORD) as connection:
        assert connection.get_chassis_status().power_on
        connection.chassis_control_power_down()
        ipmi.await_power(PowerState.OFF)
        assert not connection.get_chassis_status().power_on
        connection.chassis_control_power_up()
        ipmi.await_power(PowerState.ON)
    assert ipmi.resets == 1


def test_python_ipmi_is_refused_with_a_wrong_password(ipmi: Bmc) -> None:
    """A wrong password is an error, not a session."""
    with pytest.raises(AuthenticationError), _python_ipmi(ipmi, "wrong"):
        pass


def _sushy(bmc: Bmc, log_on: auth.AuthBase) -> sushy.Sushy:
    return sushy.Sushy(f"https://{ADDRESS}:{bmc.port}", auth=log_on, verify=str(bmc.authority))


@pytest.mark.parametrize("log_on", [auth.BasicAuth(USER, PASSWORD), auth.SessionAuth(USER, PASSWORD)])
def test_sushy_resets_with_a_boot_override(redfish: Bmc, log_on: auth.AuthBase) -> None:
    """sushy sets one network boot, forces the host off and on; the BMC is busy now and then."""
    system = _sushy(redfish, log_on).get_system()
    assert (system.uuid, system.power_state) == (UUID, sushy.PowerState.ON)
    system.reset_system(sushy.ResetType.FORCE_OFF)
    redfish.await_power(PowerState.OFF)
    system.refresh(force=True)
    assert system.power_state is sushy.PowerState.OFF
    system.set_system_boot_options(sushy.BootSource.PXE, enabled=sushy.BootSourceOverrideEnabled.ONCE)
    system.refresh(force=True)
    assert system.boot.target is sushy.BootSource.PXE
    system.reset_system(sushy.ResetType.ON)
    redfish.await_power(PowerState.ON)
    wait_until(lambda: "boot_override" not in redfish.machine.state, what="the boot")
    system.refresh(force=True)
    assert system.boot.target is sushy.BootSource.NONE
    assert redfish.resets == 1


def test_sushy_sees_what_may_be_asked(redfish: Bmc) -> None:
    """The reset types offered are told, and a forced restart counts as a reset."""
    system = _sushy(redfish, auth.BasicAuth(USER, PASSWORD)).get_system()
    allowed = system.get_allowed_reset_system_values()
    assert {sushy.ResetType.ON, sushy.ResetType.FORCE_OFF, sushy.ResetType.FORCE_RESTART} <= set(allowed)
    system.reset_system(sushy.ResetType.FORCE_RESTART)
    assert redfish.resets == 1


@pytest.mark.parametrize("log_on", [auth.BasicAuth(USER, "wrong"), auth.SessionAuth(USER, "wrong")])
def test_sushy_is_refused_with_a_wrong_password(redfish: Bmc, log_on: auth.AuthBase) -> None:
    """A wrong password is an access error, by Basic and by session."""
    with pytest.raises(exceptions.AccessError):
        _sushy(redfish, log_on).get_system()
    assert redfish.resets == 0


def test_certificate_of_another_authority_is_not_believed(redfish: Bmc, tmp_path: Path) -> None:
    """Who trusts another authority does not talk to this BMC."""
    other = tmp_path / "other.pem"
    other.write_bytes(issue([ADDRESS]).authority)
    with pytest.raises(exceptions.ConnectionError):
        sushy.Sushy(f"https://{ADDRESS}:{redfish.port}", USER, PASSWORD, verify=str(other)).get_system()
