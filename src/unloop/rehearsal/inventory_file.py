"""What an administrator would have of a simulated fleet: an inventory, settings, secrets and whom to trust."""

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from unloop.model.host import Role
from unloop.rehearsal import spec_file
from unloop.rehearsal.certificate import issue
from unloop.rehearsal.spec import MachineSpec
from unloop.rehearsal.spec_file import FleetFile

CHANNEL_ORDER = ("smb", "winrm", "ssh")
COLUMNS = (
    "name",
    "address",
    "system",
    "channels",
    "credential",
    *(f"{channel}_port" for channel in CHANNEL_ORDER),
    "bmc",
    "bmc_channel",
    "bmc_port",
    "bmc_credential",
    "uuid",
    "site",
    "rack",
    "power_domain",
    "tier",
    "role",
    "bitlocker",
    "reported_broken_at",
)
STORE = "unloop.db"
PACE = """\
# A simulated boot takes seconds where a real one takes minutes; windows are not stretched, they last 1 to 8 s.
[race]
look = "1s"
watch = "14s"
interval = "200ms"
window = "11s"
strike = "6s"
spacing = "3s"
observe = "12s"
crash_silence = "1200ms"
elapsed = "12s"
silent_boots = 2
power = "20s"
power_poll = "250ms"
lease = "12s"
drain = "3s"
threads = 32

[verify]
timeout = "60s"
poll = "1500ms"
restart_after = "9s"

[limits]
per_rack = 8
bmc_spacing = "1s"
"""
Account = tuple[str, str, bool]
"""User name, password, and whether it is an account of each host alone: a domain controller has none."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything of a simulated fleet is."""

    directory: Path

    @property
    def inventory(self) -> Path:
        """The inventory, as CSV."""
        return self.directory / "hosts.csv"

    @property
    def settings(self) -> Path:
        """The settings: credentials and trust."""
        return self.directory / "unloop.toml"

    @property
    def fleet(self) -> Path:
        """What serve.py reads."""
        return self.directory / "fleet.json"

    @property
    def witness(self) -> Path:
        """What really happened, one JSON line for every event."""
        return self.directory / "witness.jsonl"

    @property
    def expected(self) -> Path:
        """How every host must end; expectation.py writes it."""
        return self.directory / "expected.json"

    @property
    def authority(self) -> Path:
        """The authority that signed the BMCs' certificate."""
        return self.directory / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The BMCs' certificate and its key."""
        return self.directory / "bmc.pem"

    @property
    def ssh_host_key(self) -> Path:
        """The host key of every simulated SSH server."""
        return self.directory / "ssh_host_key"

    @property
    def known_hosts(self) -> Path:
        """That key's public half for every address, in OpenSSH's format."""
        return self.directory / "known_hosts"


def write(directory: Path, specs: Iterable[MachineSpec], *, playbooks: Sequence[Path] = (), seed: int = 0) -> Paths:
    """Write everything into a directory, which is made. Secrets and keys are readable by their owner only."""
    specs = tuple(specs)
    directory = directory.absolute()
    (directory / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = Paths(directory)
    hosts = _named((_account(spec) for spec in specs), "host")
    bmcs = _named(((spec.bmc_username, spec.bmc_password, True) for spec in specs if spec.bmc_channel), "bmc")
    for (_, password, _), name in {**hosts, **bmcs}.items():
        _write_private(directory / "secrets" / name, f"{password}\n".encode())
    _write_trust(paths, specs)
    _write_inventory(paths.inventory, specs, hosts, bmcs)
    paths.settings.write_text(_settings(paths, {**hosts, **bmcs}), encoding="utf-8")
    locations = tuple(playbook.absolute() for playbook in playbooks)
    fleet = FleetFile(specs, locations, seed, paths.certificate, paths.ssh_host_key, paths.witness)
    spec_file.save(paths.fleet, fleet)
    return paths


def _named(accounts: Iterable[Account], prefix: str) -> dict[Account, str]:
    """A credential's name for each account that occurs."""
    found = dict.fromkeys(accounts)
    return {account: prefix if not index else f"{prefix}-{index + 1}" for index, account in enumerate(found)}


def _account(spec: MachineSpec) -> Account:
    """With which its inventory says to log on."""
    return spec.username, spec.inventory_password or spec.password, spec.role is not Role.DOMAIN_CONTROLLER


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _write_trust(paths: Paths, specs: tuple[MachineSpec, ...]) -> None:
    secured = [spec.address for spec in specs if any(service.is_tls for service in spec.services)]
    issued = issue([*(spec.bmc_address for spec in specs if spec.bmc_channel), *secured])
    paths.authority.write_bytes(issued.authority)
    _write_private(paths.certificate, issued.server)
    key = Ed25519PrivateKey.generate()
    _write_private(paths.ssh_host_key, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    doors = [(spec.address, service.port) for spec in specs for service in spec.services if service.channel == "ssh"]
    lines = [f"{address if port == 22 else f'[{address}]:{port}'} {public}\n" for address, port in doors]
    paths.known_hosts.write_text("".join(lines), encoding="utf-8")


def _write_inventory(
    path: Path, specs: tuple[MachineSpec, ...], hosts: Mapping[Account, str], bmcs: Mapping[Account, str]
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_row(spec, hosts, bmcs) for spec in specs)


def _row(spec: MachineSpec, hosts: Mapping[Account, str], bmcs: Mapping[Account, str]) -> dict[str, str]:
    offered = {service.channel: service.port for service in spec.services}
    row = {
        "name": spec.name,
        "address": spec.address,
        "system": str(spec.system),
        "channels": " ".join(channel for channel in CHANNEL_ORDER if channel in offered),
        "credential": hosts[_account(spec)],
        **{f"{channel}_port": str(port) for channel, port in offered.items()},
        "uuid": spec.uuid,
        "site": spec.site,
        "rack": spec.rack,
        "power_domain": spec.power_domain,
        "tier": "" if spec.tier is None else str(spec.tier),
        "role": str(spec.role),
        "bitlocker": "yes" if spec.bitlocker else "",
        "reported_broken_at": spec.reported_broken_at,
    }
    if not spec.bmc_channel:
        return row
    bmc = {"bmc": spec.bmc_address, "bmc_channel": spec.bmc_channel, "bmc_port": str(spec.bmc_port)}
    return {**row, **bmc, "bmc_credential": bmcs[spec.bmc_username, spec.bmc_password, True]}


def _settings(paths: Paths, credentials: Mapping[Account, str]) -> str:
    """TOML; JSON's strings are its basic strings."""
    lines = ["# Written by a rehearsal: credentials of simulated hosts, and whom to trust.", ""]
    for (username, _, is_local), name in credentials.items():
        reference = f"file:{paths.directory / 'secrets' / name}"
        lines += [f"[credentials.{name}]", f"username = {json.dumps(username)}", f"password = {json.dumps(reference)}"]
        lines += [f"local = {json.dumps(is_local)}", ""]
    lines += [
        "[trust]",
        f"known_hosts = {json.dumps(str(paths.known_hosts))}",
        f"tls_ca = {json.dumps(str(paths.authority))}",
        "",
        PACE,
        "[store]",
        f"url = {json.dumps(f'sqlite:///{paths.directory / STORE}')}",
    ]
    return "\n".join([*lines, ""])
