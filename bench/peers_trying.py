"""What other people's tools try once, as the body of a loop: ``while ! try; do :; done``. Each at its quickest."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import paramiko
import smbclient
import winrm
from bad_file import AGENT, AGENT_NAME, DRIVERS, NAME, PATH
from peers_ansible import PROGRAM, WINDOWS
from peers_winrm import ASIDE, CIM, RENAME, RENAME_ITEM
from pypsrp.wsman import SelectorSet, WSMan

CONNECT, ANSWER = 1, 3
"""Seconds that a try waits for a connection, which no tool takes shorter, and for an answer."""
DIRECTORY = "\\".join(DRIVERS)
Facts = Mapping[str, Any]
Attempt = Callable[[], object]


def _pypsrp(facts: Facts) -> Attempt:
    """One method of one file, the quickest way that it has."""
    known = {"ssl": False, "auth": "ntlm", "no_proxy": True, "connection_timeout": CONNECT, "read_timeout": ANSWER}

    def attempt() -> None:
        request = ET.Element(f"{{{CIM}}}Rename_INPUT")
        ET.SubElement(request, f"{{{CIM}}}FileName").text = f"C:\\{DIRECTORY}\\{ASIDE}"
        chosen = SelectorSet()
        chosen.add_option("Name", PATH)
        account = {"port": facts["port"], "username": facts["username"], "password": facts["password"]}
        with WSMan(facts["address"], **known, **account) as wsman:
            wsman.invoke(f"{CIM}/Rename", CIM, request, selector_set=chosen)

    return attempt


def _pywinrm(facts: Facts) -> Attempt:
    """One command; it knows one time for connection and answer."""
    account, url = (facts["username"], facts["password"]), f"http://{facts['address']}:{facts['port']}/wsman"
    seconds = {"operation_timeout_sec": CONNECT, "read_timeout_sec": CONNECT + 1}

    def attempt() -> None:
        session = winrm.Session(url, auth=account, transport="ntlm", proxy=None, ca_trust_path=None, **seconds)
        done = session.run_cmd(RENAME)
        assert done.status_code == 0, done.std_err

    return attempt


def _smbprotocol(facts: Facts) -> Attempt:
    known = {"port": facts["port"], "username": facts["username"], "password": facts["password"]}
    place = f"\\\\{facts['address']}\\C$\\{DIRECTORY}"

    def attempt() -> None:
        cache: dict[str, Any] = {}
        try:
            smbclient.rename(
                f"{place}\\{NAME}",
                f"{place}\\{ASIDE}",
                auth_protocol="ntlm",
                connection_timeout=CONNECT,
                connection_cache=cache,
                **known,
            )
        finally:
            smbclient.reset_connection_cache(fail_on_error=False, connection_cache=cache)

    return attempt


def _program(command: list[str], **environment: str) -> Attempt:
    """A process for each try; it is ended where it can't be told how long to wait."""
    known = {**os.environ, **environment}

    def attempt() -> None:
        subprocess.run(command, env=known, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    return attempt


def _smbclient(facts: Facts) -> Attempt:
    place = f"//{facts['address']}/C$"
    words = f'rename "{DIRECTORY}\\{NAME}" "{DIRECTORY}\\{ASIDE}"'
    command = ["timeout", str(ANSWER), "smbclient", place, f"--port={facts['port']}", "--command", words]
    return _program(command, USER=facts["username"], PASSWD=facts["password"])


def _ansible(plugin: str, seconds: str) -> Callable[[Facts], Attempt]:
    def make(facts: Facts) -> Attempt:
        inventory = Path(facts["directory"]) / f"ansible_{plugin}"
        account = f"ansible_port={facts['port']} ansible_user={facts['username']} ansible_password={facts['password']}"
        inventory.write_text(f"{facts['address']} ansible_connection={plugin} {account} {WINDOWS} {seconds}\n")
        command = [str(PROGRAM), "all", "-i", str(inventory), "-m", "raw", "-a", RENAME_ITEM]
        return _program(command, HOME=facts["directory"], ANSIBLE_NOCOLOR="1")

    return make


def _paramiko(facts: Facts) -> Attempt:
    account = {"username": facts["username"], "password": facts["password"]}
    seconds = {"timeout": CONNECT, "banner_timeout": ANSWER, "auth_timeout": ANSWER, "channel_timeout": ANSWER}
    place = "/".join(("", *AGENT))

    def attempt() -> None:
        with paramiko.SSHClient() as client:
            client.load_host_keys(facts["known_hosts"])
            client.connect(
                facts["address"], facts["port"], **account, **seconds, look_for_keys=False, allow_agent=False
            )
            client.open_sftp().rename(f"{place}/{AGENT_NAME}", f"{place}/{AGENT_NAME}.q")

    return attempt


PEERS: Mapping[str, Callable[[Facts], Attempt]] = {
    "pypsrp": _pypsrp,
    "pywinrm": _pywinrm,
    "ansible psrp": _ansible("psrp", f"ansible_psrp_connection_timeout={CONNECT} ansible_psrp_read_timeout={ANSWER}"),
    "ansible winrm": _ansible(
        "winrm", f"ansible_winrm_operation_timeout_sec={CONNECT} ansible_winrm_read_timeout_sec={CONNECT + 1}"
    ),
    "smbprotocol": _smbprotocol,
    "smbclient": _smbclient,
    "paramiko": _paramiko,
}
NEEDS = {"ansible psrp": str(PROGRAM), "ansible winrm": str(PROGRAM), "smbclient": "smbclient"}
"""Programs that not every machine has."""


def is_here(tool: str) -> bool:
    """Whether this machine has what a tool needs."""
    return tool not in NEEDS or shutil.which(NEEDS[tool]) is not None
