"""Hosts whose BMC is not there, and an account that is refused: their outcome is their own, and the others go on."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fleets import BRISK, NO_HARM, configure, drawn, fleet, harm, outcomes_of, run_words, unloop
from servers import free_port
from unloop.rehearsal import witness
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.spec import Kind


def rewrite(paths: Paths, changes: Mapping[str, Mapping[str, str]]) -> None:
    """Change cells of the inventory: for each host, columns and their new texts."""
    with paths.inventory.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with paths.inventory.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **changes.get(row["name"], {})} for row in rows)


@pytest.mark.timeout(120)
def test_an_unreachable_bmc_is_the_outcome_of_its_host_alone(tmp_path: Path) -> None:
    """Without power control a looping host is caught in its own crashes; a parked one can't be helped, and says so."""
    first, second, parked = drawn({Kind.LOOPING: 2, Kind.PARKED: 1})
    looping = [replace(spec, park_after=None) for spec in (first, second)]
    with fleet(tmp_path / "fleet", [*looping, parked]) as paths:
        configure(paths, **BRISK)
        nowhere = {"bmc_port": str(free_port("127.0.0.1"))}
        rewrite(paths, {second.name: nowhere, parked.name: nowhere})
        done = unloop(*run_words(paths), directory=tmp_path)
        heard = witness.read(paths.witness)

        fixed = {first.name: "fixed", second.name: "fixed"}
        assert (done.returncode, outcomes_of(paths, tmp_path)) == (1, {**fixed, parked.name: "unreachable"})
        assert [len(heard[spec.name].resets) for spec in (second, parked)] == [0, 0]
        assert harm(paths) == NO_HARM


@pytest.mark.timeout(120)
def test_a_refused_domain_account_is_tried_once_and_never_again(tmp_path: Path) -> None:
    """Four hosts, one wrong password of one domain account: the first refusal stops it everywhere, also for a second run.

    Over SMB, whose answer judges a password; over WinRM nobody judges a domain account where no domain controller is.
    """
    found = drawn({Kind.WRONG_PASSWORD: 25})
    specs = [spec for spec in found if {service.channel for service in spec.services} == {"smb"}][:4]
    with fleet(tmp_path / "fleet", specs) as paths:
        configure(paths, **BRISK)
        settings = paths.settings.read_text(encoding="utf-8")
        paths.settings.write_text(settings.replace("local = true", "local = false", 1), encoding="utf-8")
        for _ in range(2):
            done = unloop(*run_words(paths), directory=tmp_path)
            assert (done.returncode, set(outcomes_of(paths, tmp_path).values())) == (1, {"needs_hands"})
        refused = [sum(host.refused_logons.values()) for host in witness.read(paths.witness).values()]
        assert (sum(refused), harm(paths)) == (1, NO_HARM)
