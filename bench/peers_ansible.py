"""How Ansible repairs a host: one ad-hoc raw command, from the start of the program, as whoever types it waits for it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bad_file import NAME
from delayed_link import far
from peers_ssh import place_of
from peers_winrm import RENAME_ITEM
from tools import EXACT, Run, Told, Tool, known_hosts

PROGRAM = Path(sys.executable).with_name("ansible")
WINDOWS = (
    "ansible_shell_type=powershell ansible_psrp_protocol=http ansible_psrp_auth=ntlm"
    " ansible_winrm_scheme=http ansible_winrm_transport=ntlm"
)


def peers_ansible(servers: Mapping[str, Told], directory: Path) -> list[Tool]:
    """By each of its plugins that the servers speak with."""
    if not PROGRAM.exists():
        return []
    tools = []
    if told := servers.get("winrm"):
        for plugin in ("psrp", "winrm"):
            variables = f"ansible_connection={plugin} ansible_password={told['password']} {WINDOWS}"
            tools.append(_tool("winrm", plugin, directory, told, variables, RENAME_ITEM))
    if told := servers.get("sshd"):
        known = known_hosts(told, directory / "known_to_ansible")
        variables = (
            f"ansible_connection=ssh ansible_ssh_private_key_file={told['key']}"
            f" ansible_ssh_common_args='-oUserKnownHostsFile={known} -oIdentitiesOnly=yes'"
        )
        place = place_of(told)
        tools.append(_tool("sshd", "ssh", directory, told, variables, f"mv -n {place}/{NAME} {place}/{NAME}.q"))
    return tools


def _tool(server: str, plugin: str, directory: Path, told: Told, variables: str, line: str) -> Tool:
    inventory = directory / f"ansible_{plugin}"
    inventory.write_text(f"{far(0)} ansible_port={told['port']} ansible_user={told['username']} {variables}\n")
    command = [str(PROGRAM), "all", "-i", str(inventory), "-m", "raw", "-a", line]
    environment = {
        **os.environ,
        "HOME": str(directory),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_ARGS": "-oControlMaster=no",
    }

    @contextmanager
    def ready() -> Iterator[Run]:
        def run() -> None:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

        yield run

    return Tool("ansible", server, EXACT, f"raw by {plugin}", ready, is_slow=True)
