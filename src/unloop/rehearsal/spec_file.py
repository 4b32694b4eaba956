"""A simulated fleet as a file: what the process that carries it has to know."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unloop.errors import InputError, Problem
from unloop.model.host import Role, System
from unloop.rehearsal.spec import Kind, MachineSpec, Service

VERSION = 1


@dataclass(frozen=True, slots=True)
class FleetFile:
    """The hosts, the playbooks whose fixtures they have, the seed of their jitter, and the files of their servers."""

    specs: tuple[MachineSpec, ...]
    playbooks: tuple[Path, ...]
    seed: int
    certificate: Path
    ssh_host_key: Path
    witness: Path


def save(path: Path, fleet: FleetFile) -> None:
    """Write a fleet down; only its owner may read it, for it holds the simulated hosts' passwords."""
    document = {
        "version": VERSION,
        "seed": fleet.seed,
        "playbooks": [str(playbook) for playbook in fleet.playbooks],
        "certificate": str(fleet.certificate),
        "ssh_host_key": str(fleet.ssh_host_key),
        "witness": str(fleet.witness),
        "hosts": [asdict(spec) for spec in fleet.specs],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> FleetFile:
    """Read a fleet; raises InputError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise InputError(Problem(f"is of version {document['version']}, not {VERSION}", str(path)))
        return FleetFile(
            specs=tuple(_spec(item) for item in document["hosts"]),
            playbooks=tuple(Path(text) for text in document["playbooks"]),
            seed=int(document["seed"]),
            certificate=Path(document["certificate"]),
            ssh_host_key=Path(document["ssh_host_key"]),
            witness=Path(document["witness"]),
        )
    except OSError as error:
        raise InputError(Problem(f"can't read it: {error.strerror}", str(path))) from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(Problem(f"is no simulated fleet: {error!r}", str(path))) from error


def _spec(data: Mapping[str, Any]) -> MachineSpec:
    values = dict(data)
    services: Sequence[Mapping[str, Any]] = values.pop("services")
    return MachineSpec(
        **{
            **values,
            "system": System(values["system"]),
            "kind": Kind(values["kind"]),
            "role": Role(values["role"]),
            "services": tuple(Service(**item) for item in services),
        }
    )
