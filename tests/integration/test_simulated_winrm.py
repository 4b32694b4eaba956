"""Our simulated WinRM server, judged by clients that we did not write: pypsrp, pywinrm, Ansible and curl."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import winrm
from pypsrp.client import Client
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, PSInvocationState, RunspacePool
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan
from winrm.exceptions import InvalidCredentialsError

from servers import require
from simulated import PASSWORD, USERNAME, Served, machine_with, served
from unloop.rehearsal.certificate import Tls, issue, tls_of
from unloop.rehearsal.events import Happening
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm import names
from unloop.rehearsal.winrm_host import make_winrm

ADDRESS = "127.0.0.9"
DRIVERS = ("Windows", "System32", "drivers", "CrowdStrike")
BAD, OTHER = "C-00000291-00000000-00000032.sys", "C-00000285-00000000-00000001.sys"
BAD_FILE = "\\".join(("C:", *DRIVERS, BAD))
WQL = r"SELECT {} FROM CIM_DataFile WHERE Drive='c:' AND Path='\\windows\\system32\\drivers\\crowdstrike\\' AND {}"
IDENTIFY = (
    f'<s:Envelope xmlns:s="{names.SOAP}"><s:Header/><s:Body>'
    '<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"/></s:Body></s:Envelope>'
)
WAYS: dict[str, dict[str, Any]] = {
    "http ntlm": {"ssl": False, "auth": "ntlm"},
    "http negotiate": {"ssl": False, "auth": "negotiate"},
    "https ntlm": {"ssl": True, "auth": "ntlm"},
    "https negotiate sealed": {"ssl": True, "auth": "negotiate", "encryption": "always"},
    "https basic": {"ssl": True, "auth": "basic"},
}
"""How pypsrp can log on."""


def machine() -> Machine:
    """A Windows host with two content files."""
    return machine_with({(*DRIVERS, BAD): bytes(40960), (*DRIVERS, OTHER): b"other"})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the certificate of the host, and its authority's."""
    directory, issued = tmp_path_factory.mktemp("keys"), issue([ADDRESS])
    (directory / "server.pem").write_bytes(issued.server)
    (directory / "authority.pem").write_bytes(issued.authority)
    return directory


@pytest.fixture
def host() -> Iterator[Served]:
    """A simulated Windows host that listens for HTTP."""
    with served(machine(), make_winrm) as found:
        yield found


@pytest.fixture
def secure_host(keys: Path) -> Iterator[Served]:
    """The same for HTTPS."""
    with served(machine(), over(tls_of(keys / "server.pem"))) as found:
        yield found


def over(tls: Tls) -> Callable[[Machine], Any]:
    """The server over TLS."""
    return lambda machine: make_winrm(machine, tls)


@contextlib.contextmanager
def connected(host: Served, **options: Any) -> Iterator[WSMan]:
    """A connection of pypsrp, sealed NTLM over HTTP unless told otherwise."""
    known = {"username": USERNAME, "password": PASSWORD, "ssl": False, "auth": "ntlm", "no_proxy": True}
    with WSMan(host.address, port=host.port, **{**known, **options}) as found:
        yield found


def query(wsman: WSMan, wql: str) -> list[dict[str, str]]:
    """The records that a WQL query finds."""
    request = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
    ET.SubElement(request, f"{{{NAMESPACES['wsman']}}}OptimizeEnumeration")
    ET.SubElement(request, f"{{{NAMESPACES['wsman']}}}MaxElements").text = "10"
    ET.SubElement(request, f"{{{NAMESPACES['wsman']}}}Filter", Dialect=names.WQL).text = wql
    items = wsman.enumerate(f"{names.WMI}*", request).iter(f"{{{NAMESPACES['wsman']}}}Items")
    return [{local(field.tag): "".join(field.itertext()) for field in record} for item in items for record in item]


def call(wsman: WSMan, kind: str, method: str, selectors: dict[str, str], **arguments: str) -> dict[str, str]:
    """What a method of a class or an instance returns."""
    space = names.WMI + kind
    request = ET.Element(f"{{{space}}}{method}_INPUT")
    for name, value in arguments.items():
        ET.SubElement(request, f"{{{space}}}{name}").text = value
    chosen = SelectorSet()
    for name, value in selectors.items():
        chosen.add_option(name, value)
    body = wsman.invoke(f"{space}/{method}", space, request, selector_set=chosen if selectors else None)
    return {
        local(item.tag): item.text or "" for item in body.iter() if item.tag.startswith(f"{{{space}}}") and item.text
    }


def session(host: Served, username: str = USERNAME, password: str = PASSWORD) -> winrm.Session:
    """A session of pywinrm, which seals its messages by NTLM, and keeps to itself what the environment says."""
    url = f"http://{host.address}:{host.port}/wsman"
    return winrm.Session(url, auth=(username, password), transport="ntlm", proxy=None, ca_trust_path=None)


def local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_pypsrp_logs_on_in_every_way(way: dict[str, Any], keys: Path) -> None:
    """Sealed over HTTP, bound to the channel or by Basic over HTTPS: a query, a command and a program go through."""
    make = over(tls_of(keys / "server.pem")) if way["ssl"] else make_winrm
    with served(machine(), make) as found:
        options = {**way, "cert_validation": str(keys / "authority.pem")} if way["ssl"] else way
        with connected(found, **options) as wsman:
            assert [item["CSName"] for item in query(wsman, "SELECT CSName FROM Win32_OperatingSystem")] == ["WS-1"]
        account = {"port": found.port, "username": USERNAME, "password": PASSWORD, "no_proxy": True}
        with Client(found.address, **account, **options) as client:
            assert client.execute_cmd("echo hello") == ("hello\r\n", "", 0)
            assert client.execute_ps("Write-Output hello")[0] == "hello"
        assert found.machine.log.times(Happening.LOGON_REFUSED) == ()


def test_pypsrp_finds_and_deletes_files_by_wmi(host: Served) -> None:
    """A query tells size and time as WMI writes them; Delete answers 0, and afterwards there is no such instance."""
    with connected(host) as wsman:
        [found] = query(wsman, WQL.format("Name, FileSize, LastModified", "FileName LIKE 'C-00000291%'"))
        assert found == {
            "Name": BAD_FILE.lower(),
            "FileSize": "40960",
            "LastModified": "2024-07-19T04:30:00Z",
        }
        assert call(wsman, "CIM_DataFile", "Delete", {"Name": BAD_FILE}) == {"ReturnValue": "0"}
        assert host.names(*DRIVERS) == [OTHER]
        with pytest.raises(WSManFaultError) as caught:
            call(wsman, "CIM_DataFile", "Delete", {"Name": BAD_FILE})
    assert caught.value.code == 2150858752


def test_pypsrp_starts_a_process_by_wmi(host: Served) -> None:
    """Win32_Process.Create runs a command line and tells its number."""
    with connected(host) as wsman:
        done = call(wsman, "Win32_Process", "Create", {}, CommandLine=f'cmd.exe /c del /f /q "{BAD_FILE}"')
    assert (done["ReturnValue"], done["ProcessId"].isdigit()) == ("0", True)
    assert host.names(*DRIVERS) == [OTHER]


def test_a_restart_that_was_ordered_dies_with_the_power(host: Served) -> None:
    """Switched off before the order is due, the host stays off."""
    with connected(host) as wsman:
        call(wsman, "Win32_Process", "Create", {}, CommandLine="shutdown.exe /r /t 1")
        host.loop.run(switched_off(host.machine))
    host.loop.run(asyncio.sleep(1.2))
    host.loop.run(host.machine.stop())
    assert (host.machine.boots, host.machine.log.times(Happening.RESTART)) == (0, ())


async def switched_off(machine: Machine) -> None:
    """Force the power off."""
    assert machine.power_off()


def test_pypsrp_runs_commands_in_one_shell(host: Served) -> None:
    """Commands of a shell have output, errors and exit codes of their own."""
    with connected(host) as wsman, WinRS(wsman) as shell:
        for line, expected in (("ver", 0), ("nothing-like-this", 1), ("exit /b 7", 7)):
            process = Process(shell, line)
            process.invoke()
            process.signal(SignalCode.CTRL_C)
            assert (process.rc, bool(process.stderr)) == (expected, line.startswith("nothing"))


def test_pypsrp_waits_for_a_program_that_takes_its_time(host: Served) -> None:
    """A Receive that finds nothing ends with the operation's timeout, and the client asks again until there is."""
    with connected(host, operation_timeout=1) as wsman, RunspacePool(wsman) as pool:
        shell = PowerShell(pool)
        shell.add_script("Start-Sleep -Milliseconds 2500; Write-Output slow")
        assert (shell.invoke(), shell.state) == (["slow"], PSInvocationState.COMPLETED)


def test_pypsrp_uses_one_pool_for_many_pipelines(host: Served) -> None:
    """Values come as what they are, errors as records, and the pool lives on; what is deleted is deleted."""
    with connected(host) as wsman, RunspacePool(wsman) as pool:
        values = PowerShell(pool)
        values.add_script("42; 'text'; $true")
        assert (values.invoke(), values.had_errors) == ([42, "text", True], False)
        wrong = PowerShell(pool)
        wrong.add_script("throw 'nothing doing'")
        wrong.invoke()
        assert (wrong.had_errors, [str(error) for error in wrong.streams.error]) == (True, ["nothing doing"])
        deleting = PowerShell(pool)
        deleting.add_cmdlet("Remove-Item").add_parameters({"LiteralPath": BAD_FILE, "Force": None})
        deleting.invoke()
        assert (deleting.had_errors, host.names(*DRIVERS)) == (False, [OTHER])
        pool.exchange_keys()
        assert (pool.get_available_runspaces(), pool.is_alive()) == (1, True)


def test_pypsrp_stops_a_pipeline(host: Served) -> None:
    """A pipeline that still seems to run can be stopped, and the pool lives on."""
    with connected(host) as wsman, RunspacePool(wsman) as pool:
        shell = PowerShell(pool)
        shell.add_script("Start-Sleep -Seconds 60")
        shell.begin_invoke()
        shell.poll_invoke(timeout=1)
        shell.stop()
        assert shell.state == PSInvocationState.STOPPED
        after = PowerShell(pool)
        after.add_script("'alive'")
        assert after.invoke() == ["alive"]


def test_wrong_passwords_are_refused_and_counted(host: Served) -> None:
    """pypsrp and pywinrm hear 401, and each log-on that was refused is noted with the account."""
    with connected(host, password="wrong") as wsman, pytest.raises(AuthenticationError):
        wsman.get_server_config()
    with pytest.raises(InvalidCredentialsError):
        session(host, "nobody", "x").run_cmd("ver")
    refused = [event.detail["account"] for event in host.machine.log.events if event.what is Happening.LOGON_REFUSED]
    assert Counter(refused) == {USERNAME: 1, "nobody": 1}


def test_pywinrm_runs_commands_and_programs(host: Served) -> None:
    """pywinrm's shells and encoded commands work over sealed NTLM."""
    command = session(host).run_cmd("dir", ["/b", "\\".join(("C:", *DRIVERS))])
    assert (command.status_code, command.std_out.decode().split()) == (0, [OTHER, BAD])
    program = session(host).run_ps(f"Remove-Item '{BAD_FILE}'; Write-Output done")
    assert (program.status_code, program.std_out, program.std_err) == (0, b"done\r\n", b"")
    assert session(host).run_ps("exit 5").status_code == 5
    assert host.names(*DRIVERS) == [OTHER]


@pytest.mark.parametrize("plugin", ["psrp", "winrm"])
@pytest.mark.parametrize(("line", "code", "output"), [("Write-Output hello", 0, "hello"), ("exit 3", 2, "rc=3")])
def test_ansible_runs_a_raw_command(
    host: Served, tmp_path: Path, plugin: str, line: str, code: int, output: str
) -> None:
    """Ansible's psrp and winrm plugins run raw commands and hear how they ended."""
    variables = (
        f"ansible_connection={plugin} ansible_port={host.port} ansible_user={USERNAME} ansible_password={PASSWORD}",
        "ansible_shell_type=powershell ansible_psrp_protocol=http ansible_psrp_auth=ntlm",
        "ansible_winrm_scheme=http ansible_winrm_transport=ntlm",
    )
    (tmp_path / "hosts").write_text(f"{host.address} {' '.join(variables)}\n")
    program = require("ansible", str(Path(sys.executable).parent))
    done = subprocess.run(
        [program, "all", "-i", "hosts", "-m", "raw", "-a", line],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, output in done.stdout) == (code, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "path", "status"),
    [
        (("--ntlm", "--user", f"{USERNAME}:{PASSWORD}"), "/wsman", 200),
        (("--basic", "--user", f"{USERNAME}:{PASSWORD}"), "/wsman", 200),
        (("--ntlm", "--user", f"{USERNAME}:wrong"), "/wsman", 401),
        ((), "/wsman", 401),
        ((), "/wsman-anon/identify", 200),
    ],
    ids=["ntlm", "basic", "wrong password", "nobody", "anonymous"],
)
def test_curl_identifies_the_host(
    secure_host: Served, keys: Path, words: tuple[str, ...], path: str, status: int
) -> None:
    """curl's own NTLM and Basic are taken over HTTPS, and without a log-on only the anonymous identity is told."""
    arguments = ["--silent", "--show-error", "--cacert", str(keys / "authority.pem"), "--data", IDENTIFY]
    arguments += ["--header", "Content-Type: application/soap+xml;charset=UTF-8", "--write-out", "\n%{http_code}"]
    url = f"https://{secure_host.address}:{secure_host.port}{path}"
    done = subprocess.run(
        [require("curl"), *arguments, *words, url], capture_output=True, text=True, timeout=60, check=False
    )
    body, _, code = done.stdout.rpartition("\n")
    assert (int(code), "Microsoft Corporation" in body) == (status, status == 200), done.stderr


def test_unsealed_messages_are_not_taken_over_http(host: Served) -> None:
    """A client that logs on and then speaks in the clear hears 500, as from Windows."""
    with connected(host, encryption="never") as wsman, pytest.raises(WinRMTransportError) as caught:
        wsman.get_server_config()
    assert caught.value.code == 500
