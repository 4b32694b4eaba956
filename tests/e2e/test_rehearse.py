"""A rehearsal, end to end: the user's limits and waves hold in it, and nobody has to guess which."""

import json
from pathlib import Path

import pytest

from fleets import PLAYBOOK, unloop
from unloop.store import campaigns
from unloop.store.database import open_database

HOSTS = """\
name,address,system,channels,bmc,site,rack
ws-1,192.0.2.1,windows,smb winrm,192.0.2.101,LHR,A1
ws-2,192.0.2.2,windows,winrm,192.0.2.102,LHR,A1
"""


@pytest.mark.timeout(180)
def test_a_rehearsal_keeps_the_limits_and_waves_of_the_user(tmp_path: Path) -> None:
    """They are frozen with its campaign, stand in its answer, and the hosts end as expected all the same."""
    (tmp_path / "hosts.csv").write_text(HOSTS)
    (tmp_path / "unloop.toml").write_text("[limits]\nper_rack = 1\nper_site = 3\n[race]\nresets = 9\n")
    words = ("rehearse", PLAYBOOK, "-i", "hosts.csv", "-c", "unloop.toml", "--waves", "1 rest", "--json")
    done = unloop(*words, directory=tmp_path)
    document = json.loads(done.stdout)
    database = open_database(f"sqlite:///{tmp_path / 'rehearsal' / 'unloop.db'}")
    campaign = campaigns.load(database, "latest")
    database.close()

    assert (done.returncode, document["mismatches"]) == (0, [])
    assert (campaign.waves, campaign.options["resets"]) == (2, 9)
    assert campaign.options["limits"] == {"rack": 1, "power_domain": 16, "site": 3}
    assert document["in_force"]["limits"]["per_rack"] == 1
    assert document["in_force"]["waves"] == ["1", "rest"]
    assert "In force from unloop.toml: race.resets 9, limits.per_rack 1, limits.per_site 3." in done.stderr
