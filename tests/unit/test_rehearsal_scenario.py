"""Scenario, expectation and shape: pure, from a seed."""

import json
import statistics
from collections import Counter

import pytest

from unloop.errors import EmptySelection, InputError
from unloop.model.host import Endpoint, Host, Role, System
from unloop.model.outcome import Outcome
from unloop.rehearsal import expectation, scenario
from unloop.rehearsal.addresses import Block
from unloop.rehearsal.shape import specs_like
from unloop.rehearsal.spec import Kind

SPECIAL = (
    Kind.PARKED,
    Kind.LOCKED,
    Kind.WRONG_PASSWORD,
    Kind.UNREACHABLE,
    Kind.HEALTHY_CLOSED,
    Kind.WRONG_BMC,
)


def test_same_seed_gives_the_same_hosts() -> None:
    """A scenario is a function of its arguments."""
    assert scenario.generate(120, 5) == scenario.generate(120, 5)
    assert scenario.generate(120, 5) != scenario.generate(120, 6)


@pytest.mark.parametrize("hosts", [100, 101, 120, 333, 500])
def test_large_fleet_holds_enough_of_every_kind(hosts: int) -> None:
    """From 100 hosts on at least 60 loop and at least five are of each kind that ends otherwise."""
    kinds = Counter(spec.kind for spec in scenario.generate(hosts, 1))
    assert kinds[Kind.LOOPING] >= 60
    assert min(kinds[kind] for kind in SPECIAL) >= 5
    assert kinds[Kind.HEALTHY] > 0
    assert kinds[Kind.TARPIT] > 0
    assert kinds.total() == hosts


@pytest.mark.parametrize("hosts", [100, 120, 500])
def test_held_files_leave_enough_of_every_other_kind(hosts: int) -> None:
    """Where safe mode can be rehearsed, at least five hosts need it, and the race alone still has its sixty."""
    specs = scenario.generate(hosts, 1, systems=(System.WINDOWS,), holds=True)
    kinds = Counter(spec.kind for spec in specs)
    assert kinds[Kind.LOOPING] >= 60
    assert min(kinds[kind] for kind in (*SPECIAL, Kind.HELD)) >= 5
    assert min(kinds[Kind.HEALTHY], kinds[Kind.TARPIT]) > 0
    held = [spec for spec in specs if spec.kind is Kind.HELD]
    assert all("smb" in {service.channel for service in spec.services} for spec in held)


@pytest.mark.parametrize("seed", range(10))
def test_windows_are_short(seed: int) -> None:
    """No window is stretched: all last 1 to 8 s with their jitter, and the median at most 4 s."""
    specs = scenario.generate(100, seed)
    looping = [spec for spec in specs if spec.kind is Kind.LOOPING]
    assert all(spec.window_seconds - spec.window_jitter >= scenario.SHORTEST for spec in specs)
    assert all(spec.window_seconds + spec.window_jitter <= scenario.LONGEST for spec in specs)
    assert statistics.median(spec.window_seconds for spec in looping) <= 4.0
    assert all(spec.boot_seconds - spec.boot_jitter >= 2.0 for spec in specs)
    assert all(spec.boot_seconds + spec.boot_jitter <= 5.0 for spec in specs)


def test_every_channel_and_bmc_occurs() -> None:
    """A fleet mixes SMB, WinRM and SSH, IPMI and Redfish, also when it is all Windows."""
    for systems in ((System.WINDOWS, System.LINUX), (System.WINDOWS,)):
        specs = [spec for spec in scenario.generate(100, 3, systems=systems) if spec.kind is Kind.LOOPING]
        assert {service.channel for spec in specs for service in spec.services} == {"smb", "winrm", "ssh"}
        assert {spec.bmc_channel for spec in specs} == {"ipmi", "redfish"}
        assert {spec.system for spec in specs} == set(systems)


def test_hosts_and_bmcs_have_addresses_of_their_own() -> None:
    """No address serves two, and another block shares none."""
    specs = scenario.generate(500, 1)
    taken = [address for spec in specs for address in (spec.address, spec.bmc_address)]
    assert len(set(taken)) == 1000
    other = scenario.generate(500, 1, block=Block(1))
    assert not {spec.address for spec in other} & set(taken)


def test_kinds_mean_what_they_say() -> None:
    """Only a wrong BMC has another UUID, only a wrong password differs, and no list names a healthy host."""
    for spec in scenario.generate(200, 9):
        assert (spec.uuid != spec.bmc_uuid) is (spec.kind is Kind.WRONG_BMC)
        assert bool(spec.inventory_password) is (spec.kind is Kind.WRONG_PASSWORD)
        assert spec.bitlocker is (spec.kind is Kind.LOCKED)
        if spec.kind in {Kind.HEALTHY, Kind.HEALTHY_CLOSED, Kind.UNREACHABLE}:
            assert spec.reported_broken_at == ""
        if spec.park_after is not None:
            assert spec.reported_broken_at
        if spec.kind is Kind.TARPIT:
            assert [service.is_tarpit for service in spec.services].count(True) == 1


def test_impossible_sizes_are_refused() -> None:
    """No fleet of nothing, and none larger than the addresses."""
    for hosts in (0, -1, 10_000_000):
        with pytest.raises(InputError):
            scenario.generate(hosts, 1)


def test_expectation_covers_every_host() -> None:
    """Every host has one expected outcome, and the counts add up."""
    specs = scenario.generate(100, 4)
    document = expectation.document(specs)
    assert set(document["outcomes"]) == {spec.name for spec in specs}
    assert sum(document["counts"].values()) == 100
    assert json.loads(json.dumps(document)) == document
    assert set(expectation.EXPECTED) == set(Kind)


def test_expected_outcomes() -> None:
    """The outcome of each kind."""
    expected = {kind: str(outcome) for kind, outcome in expectation.EXPECTED.items()}
    assert expected == {
        Kind.LOOPING: "fixed",
        Kind.TARPIT: "fixed",
        Kind.HELD: "fixed",
        Kind.HEALTHY: "already_good",
        Kind.PARKED: "needs_hands",
        Kind.LOCKED: "needs_key",
        Kind.WRONG_PASSWORD: "needs_hands",
        Kind.WRONG_BMC: "needs_hands",
        Kind.UNREACHABLE: "unreachable",
        Kind.HEALTHY_CLOSED: "unreachable",
    }


def test_mismatches_name_what_differs_and_what_is_missing() -> None:
    """A host that ended otherwise, one that is missing and one that nobody expected are told."""
    found = expectation.mismatches({"a": "fixed", "b": "fixed", "c": "fixed"}, {"a": "fixed", "b": "failed", "d": "x"})
    assert found == {"b": ("fixed", "failed"), "c": ("fixed", ""), "d": ("", "x")}


def _host(index: int, **values: object) -> Host:
    known = {
        "system": System.WINDOWS,
        "endpoints": (Endpoint("smb", "10.0.0.1"), Endpoint("winrm", "10.0.0.1")),
        "bmc": Endpoint("ipmi", "10.1.0.1"),
        "site": "LHR",
        "rack": f"R{index // 10}",
    }
    return Host(name=f"h{index}", address=f"10.0.0.{index}", **(known | values))  # type: ignore[arg-type]


def test_rehearsal_has_the_shape_of_the_inventory() -> None:
    """Names, sites, racks, systems, channels and roles are the inventory's; addresses are loopback's."""
    hosts = [_host(index, role=Role.DOMAIN_CONTROLLER if index == 3 else Role.PLAIN) for index in range(100)]
    specs = specs_like(hosts, 2)
    assert [spec.name for spec in specs] == [host.name for host in hosts]
    assert [spec.rack for spec in specs] == [host.rack for host in hosts]
    assert specs[3].role is Role.DOMAIN_CONTROLLER
    assert all(spec.address.startswith("127.") for spec in specs)
    assert all({service.channel for service in spec.services} == {"smb", "winrm"} for spec in specs)
    assert Counter(spec.kind for spec in specs)[Kind.PARKED] == 5


def test_rehearsal_draws_only_kinds_that_a_host_can_be_of() -> None:
    """Without a BMC nothing is parked or on a wrong BMC; Linux has no BitLocker; a locked inventory host stays so."""
    bare = specs_like([_host(index, bmc=None, endpoints=(), system=System.LINUX) for index in range(100)], 2)
    assert not {spec.kind for spec in bare} & {Kind.PARKED, Kind.LOCKED, Kind.WRONG_BMC, Kind.TARPIT}
    assert {service.channel for spec in bare for service in spec.services} == {"ssh"}
    assert all(spec.park_after is None for spec in bare)
    locked = specs_like([_host(index, bitlocker=True) for index in range(100)], 2)
    assert Kind.PARKED not in {spec.kind for spec in locked}
    assert all(spec.bitlocker for spec in locked)


@pytest.mark.parametrize(
    "values",
    [{"system": System.LINUX}, {"endpoints": (Endpoint("winrm", "10.0.0.1"),)}, {"role": Role.DOMAIN_CONTROLLER}],
)
def test_only_hosts_that_can_enter_safe_mode_need_it(values: dict[str, object]) -> None:
    """Linux has none, without SMB nobody gets a host there, and a domain controller wants more."""
    hosts = [_host(index) for index in range(100)]
    others = [_host(index, **values) for index in range(100)]
    found = [Counter(spec.kind for spec in specs_like(known, 2, holds=True))[Kind.HELD] for known in (hosts, others)]
    assert found == [5, 0]
    held = [spec for spec in specs_like(hosts, 2, holds=True) if spec.kind is Kind.HELD]
    assert all(spec.reported_broken_at for spec in held)


def test_rehearsal_of_nothing_is_refused() -> None:
    """An empty inventory is an error."""
    with pytest.raises(EmptySelection):
        specs_like([], 1)


def test_never_reset_covers_every_kind_without_cause() -> None:
    """Healthy hosts, unreachable ones and those on a wrong BMC are never reset."""
    specs = scenario.generate(100, 4)
    outcomes = expectation.expect(specs)
    untouched = expectation.never_reset(specs)
    assert {outcomes[name] for name in untouched} == {
        Outcome.ALREADY_GOOD,
        Outcome.UNREACHABLE,
        Outcome.NEEDS_HANDS,
    }
