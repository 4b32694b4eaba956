"""OpenIPMI's ipmi_sim with many BMCs in one process: a foreign server, and a witness of what each BMC was told.

Each BMC keeps its power and boot device as files of a directory of its own, where a small shell program (ipmi_sim's
chassis_control) also writes down every change. The simulator knows cipher suite 3 and not 17.
"""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from servers import require, running, wait_until

MOST = 100
"""BMCs that one process carries: slave addresses are even numbers from 0x20."""
_PROGRAM = """\
control() {
    directory=$1 order=$2
    shift 2
    case $order in
    get) for word; do value=0; [ -e "$directory/$word" ] && read -r value < "$directory/$word"; echo "$word:$value"; done ;;
    set) while [ $# -ge 2 ]; do echo "$1 $2" >> "$directory/log"; echo "$2" > "$directory/$1"; shift 2; done ;;
    esac
    return 0
}
"""
"""ipmi_sim hands its command to a shell, so that this costs one process for each question, not two."""
_CONTROLLER = """\
set_working_mc {slave:#x}
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    guid {guid}
  endlan
  chassis_control ". {chassis}; control {home}"
  user 2 true "{user}" "{password}" admin 10 none md5
"""
_COMMANDS = "mc_add {slave:#x} 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable {slave:#x}\n"


@dataclass(frozen=True)
class Simulator:
    """BMCs that answer on one port, each on an address of its own."""

    addresses: tuple[str, ...]
    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    def log(self, address: str) -> list[str]:
        """What a BMC was told to change, in order: ``power 0``, ``boot pxe``."""
        path = self.directory / address / "log"
        return path.read_text().splitlines() if path.exists() else []

    def power_offs(self) -> list[int]:
        """How often each BMC was told to switch off while it was on."""
        return [_falls([line for line in self.log(address) if line.startswith("power")]) for address in self.addresses]

    def is_on(self, address: str) -> bool:
        """Whether the power is on now."""
        return (self.directory / address / "power").read_text().strip() == "1"


def _falls(powers: Sequence[str]) -> int:
    return sum(
        now == "power 0" and before == "power 1" for before, now in zip(["power 1", *powers], powers, strict=False)
    )


@contextlib.contextmanager
def simulated(
    directory: Path,
    addresses: Sequence[str],
    port: int,
    *,
    user: str,
    password: str,
) -> Iterator[Simulator]:
    """BMCs on these addresses for the length of a with block; all hosts are on."""
    program = require("ipmi_sim")
    chassis = directory / "chassis"
    chassis.write_text(_PROGRAM)
    config, commands = 'name "sim"\n', "mc_setbmc 0x20\n"
    for number, address in enumerate(addresses):
        home = directory / address
        home.mkdir()
        (home / "power").write_text("1\n")
        config += _CONTROLLER.format(
            slave=0x20 + 2 * number,
            address=address,
            port=port,
            guid=f"{number + 1:032x}",
            chassis=chassis,
            home=home,
            user=user,
            password=password,
        )
        commands += _COMMANDS.format(slave=0x20 + 2 * number)
    private = directory / "lan.conf"
    private.touch(mode=0o600)
    private.write_text(config)
    (directory / "commands").write_text(commands)
    (directory / "state").mkdir()
    arguments = [program, "-c", str(private), "-f", str(directory / "commands"), "-s", str(directory / "state"), "-n"]
    with running(arguments, log=directory / "output", stdin=subprocess.DEVNULL) as process:
        wait_until(lambda: _is_bound(addresses[-1], port), what="ipmi_sim")
        yield Simulator(tuple(addresses), port, directory, process)


def _is_bound(address: str, port: int) -> bool:
    """Whether a UDP port of this address is taken (Linux, proc(5))."""
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    return any(line.split()[1] == wanted for line in Path("/proc/net/udp").read_text().splitlines()[1:])
