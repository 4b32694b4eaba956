"""How other people's clients repair a host over WinRM: pypsrp and pywinrm, each at its quickest."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import winrm
from bad_file import AT, BEFORE, HEADER, NAME, PATH, PATTERN, PLACE
from delayed_link import far
from pypsrp.client import Client
from pypsrp.wsman import SelectorSet, WSMan
from tools import BY_HEADER, BY_TIMES, EXACT, Run, Told, Tool

ASIDE = f"{NAME}.q"
CIM = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/CIM_DataFile"
RENAME = f'ren "{PATH}" "{ASIDE}"'
RENAME_ITEM = f"Rename-Item -LiteralPath '{PATH}' -NewName '{ASIDE}'"
LISTED = (
    f"Get-ChildItem -Path '{PLACE}\\{PATTERN}' | Where-Object {{ $_.LastWriteTimeUtc -ge [datetime]'{AT:%Y-%m-%dT%H:%M:%S}'"
    f" -and $_.LastWriteTimeUtc -lt [datetime]'{BEFORE:%Y-%m-%dT%H:%M:%S}' }}"
)
READ = (
    "Where-Object { $f = [IO.File]::Open($_.FullName, 'Open', 'Read', 'ReadWrite, Delete');"
    " $b = New-Object -TypeName 'byte[]' -ArgumentList 8; $n = $f.Read($b, 0, 8); $f.Close();"
    f" [BitConverter]::ToString($b) -eq '{HEADER.replace(' ', '-')}' }}"
)
MOVED = "ForEach-Object { Rename-Item -LiteralPath $_.FullName -NewName ($_.Name + '.q') }"
SCRIPTS = {EXACT: RENAME_ITEM, BY_TIMES: f"{LISTED} | {MOVED}", BY_HEADER: f"{LISTED} | {READ} | {MOVED}"}
Ready = Callable[[], AbstractContextManager[Run]]


def peers_winrm(servers: Mapping[str, Told]) -> list[Tool]:
    """Every client on every server; a program judges what is to be judged."""
    tools = []
    for server in ("winrm", "winrm tls 1.3", "winrm tls 1.2"):
        if told := servers.get(server):
            tools.append(Tool("pypsrp", server, EXACT, "WMI", _wmi(told)))
            tools.append(Tool("pypsrp", server, EXACT, "PowerShell", _psrp(told, RENAME_ITEM)))
    if told := servers.get("winrm"):
        tools.append(Tool("pypsrp", "winrm", EXACT, "cmd", _pypsrp(told, lambda client: client.execute_cmd(RENAME))))
        for task in (BY_TIMES, BY_HEADER):
            tools.append(Tool("pypsrp", "winrm", task, "PowerShell", _psrp(told, SCRIPTS[task])))
        tools.append(Tool("pywinrm", "winrm", EXACT, "cmd", _pywinrm(told, lambda session: session.run_cmd(RENAME))))
        tools += [
            Tool(
                "pywinrm",
                "winrm",
                task,
                "PowerShell",
                _pywinrm(told, lambda session, script=script: session.run_ps(script)),
            )
            for task, script in SCRIPTS.items()
        ]
    return tools


def _known(told: Told) -> dict[str, Any]:
    """How pypsrp reaches a server."""
    known = {"port": told["port"], "username": told["username"], "password": told["password"], "no_proxy": True}
    if "authority" in told:
        return {**known, "ssl": True, "auth": "ntlm", "cert_validation": told["authority"]}
    return {**known, "ssl": False, "auth": "ntlm"}


def _wmi(told: Told) -> Ready:
    """One method of one file, by its name."""

    @contextmanager
    def ready() -> Iterator[Run]:
        request = ET.Element(f"{{{CIM}}}Rename_INPUT")
        ET.SubElement(request, f"{{{CIM}}}FileName").text = f"{PLACE}\\{ASIDE}"
        chosen = SelectorSet()
        chosen.add_option("Name", PATH)
        with WSMan(far(0), **_known(told)) as wsman:

            def run() -> None:
                answer = wsman.invoke(f"{CIM}/Rename", CIM, request, selector_set=chosen)
                assert [item.text for item in answer.iter(f"{{{CIM}}}ReturnValue")] == ["0"]

            yield run

    return ready


def _pypsrp(told: Told, work: Callable[[Client], Any]) -> Ready:
    @contextmanager
    def ready() -> Iterator[Run]:
        with Client(far(0), **_known(told)) as client:
            yield lambda: work(client)

    return ready


def _psrp(told: Told, script: str) -> Ready:
    def work(client: Client) -> None:
        _, streams, had_errors = client.execute_ps(script)
        assert not had_errors, streams.error

    return _pypsrp(told, work)


def _pywinrm(told: Told, work: Callable[[winrm.Session], Any]) -> Ready:
    @contextmanager
    def ready() -> Iterator[Run]:
        account, url = (told["username"], told["password"]), f"http://{far(0)}:{told['port']}/wsman"
        session = winrm.Session(url, auth=account, transport="ntlm", proxy=None, ca_trust_path=None)

        def run() -> None:
            done = work(session)
            assert done.status_code == 0, done.std_err

        yield run

    return ready
