"""Ansible, JSON and command inventories, victim lists, and the choice of the reader."""

import stat
from pathlib import Path

import pytest

from unloop.errors import InputError
from unloop.inventory.read import choose, read
from unloop.inventory.victims import merge, read_victims
from unloop.model.host import Host, System
from unloop.settings.schema import CredentialSettings, Settings

INI = """\
# comment
gw ansible_host=10.0.1.1
[web]
web[01:03] ansible_user=deploy
[win]
win1 ansible_connection=psrp ansible_port=5986 ansible_password='hunter2 canary' unloop_site=AMS
[eu:children]
web
[eu:vars]
site = LHR
rack=A1
[web:vars]
rack=A2
localhost_only=1
"""
YAML = """\
all:
  vars: &common {site: LHR, rack: A1}
  children:
    web:
      hosts:
        web[01:03]:
        web04: {rack: A9, mac: 00:11:22:33:44:55, labels: {hold: no}}
      vars: {ansible_user: deploy}
    win:
      hosts:
        win1:
          <<: *common
          ansible_connection: winrm
          site: AMS
"""


def write(directory: Path, name: str, text: str, mode: int = 0o644) -> str:
    """A file with that text."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def by_name(source: str, settings: Settings | None = None) -> dict[str, Host]:
    """The hosts of a source by name."""
    return {host.name: host for host in read(source, settings or Settings()).hosts}


def first_problem(source: str) -> str:
    """The first problem of a source, without its path."""
    with pytest.raises(InputError) as caught:
        read(source, Settings())
    return str(caught.value.problems[0]).removeprefix(f"{source}:")


def test_ansible_ini(tmp_path: Path) -> None:
    """Ranges, groups, children, variables by precedence, connection, port and user arrive as our fields."""
    settings = Settings(credentials={"deployer": CredentialSettings("deploy", key="env:KEY")})
    source = write(tmp_path, "hosts.ini", INI)
    hosts = by_name(source, settings)
    assert sorted(hosts) == ["gw", "web01", "web02", "web03", "win1"]
    web, win = hosts["web02"], hosts["win1"]
    assert (web.system, web.site, web.rack, web.labels) == (System.LINUX, "LHR", "A2", {"groups": "eu,web"})
    assert web.endpoints[0].credentials == ("deployer",)
    assert (win.system, win.site, [(e.channel, e.port) for e in win.endpoints]) == (
        System.WINDOWS,
        "AMS",
        [("smb", 0), ("winrm", 5986)],
    )
    assert hosts["gw"].address == "10.0.1.1"
    (warning,) = read(source, settings).warnings
    assert "the password in ansible_password is ignored" in str(warning)
    assert "hunter2" not in str(warning)


def test_ansible_yaml(tmp_path: Path) -> None:
    """The YAML form says the same; values stay the text that was written, and merge keys work."""
    hosts = by_name(write(tmp_path, "hosts.yml", YAML))
    assert sorted(hosts) == ["web01", "web02", "web03", "web04", "win1"]
    assert (hosts["web04"].rack, hosts["web04"].macs, hosts["web04"].labels) == (
        "A9",
        ("00:11:22:33:44:55",),
        {"hold": "no", "groups": "web"},
    )
    assert (hosts["win1"].system, hosts["win1"].site, hosts["win1"].rack) == (System.WINDOWS, "AMS", "A1")


def test_variables_beside_the_inventory(tmp_path: Path) -> None:
    """group_vars and host_vars win over the inventory's own, host over group; vaulted files are left alone."""
    write(tmp_path, "group_vars/web.yml", "site: AMS\nrack: A5\n")
    write(tmp_path, "group_vars/all/one.yml", "tier: 2\n")
    write(tmp_path, "group_vars/all/secret.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    write(tmp_path, "host_vars/web01.yaml", "rack: A6\n")
    hosts = by_name(write(tmp_path, "hosts", "[web]\nweb01\nweb02\n[web:vars]\nsite=LHR\n"))
    assert [(h.site, h.rack, h.tier) for h in hosts.values()] == [("AMS", "A6", 2), ("AMS", "A5", 2)]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.ini", "[web]\nweb[3:1]\n", "2: the range 3-1 in 'web[3:1]' runs backwards"),
        ("a.ini", "[web:vers]\n", "1: no section is called [web:vers]; write :children or :vars"),
        ("a.ini", "[web]\nw1 pass word\n", "2: the line can't be read: a variable without '='"),
        ("a.ini", "[a:children]\nb\n[b:children]\na\n[a]\nh\n", " group 'a' is inside itself: a > b > a"),
        ("a.ini", "w1 unloop_sight=x\n", "1: w1: no field is called 'unloop_sight'"),
        ("a.yml", "all:\n  hosts:\n    - w1\n", "3: hosts of group 'all' must be a mapping"),
        ("a.yml", "all:\n  host: {}\n", "2: group 'all' has no key 'host'"),
        ("a.yml", "all: [\n", "2:1: not YAML"),
        ("a.json", '[{"name": "a"},\n {"name": "b", "tier": "x"}]', "2: b: tier: 'x' is no whole number"),
        ("a.json", '[{"name": "a"},\n 7]', "2: a host must be an object"),
        ("a.json", '[{"name": "a"}', "1:15: not JSON"),
        ("a.json", '"x"', " neither a list of hosts nor an Ansible inventory"),
    ],
)
def test_problems_have_places(tmp_path: Path, name: str, text: str, expected: str) -> None:
    """Whatever the format, a problem says where it is."""
    assert first_problem(write(tmp_path, name, text)).startswith(expected)


def test_json_list(tmp_path: Path) -> None:
    """A JSON list uses our field names; lists, numbers, booleans and labels become what a CSV would say."""
    text = '[\n{"name": "a", "channels": ["winrm"], "tier": 1, "bitlocker": true, "labels": {"hold": false}}\n]'
    (host,) = read(write(tmp_path, "hosts.json", text), Settings()).hosts
    assert ([e.channel for e in host.endpoints], host.tier, host.bitlocker, host.labels, host.source[-2:]) == (
        ["winrm"],
        1,
        True,
        {"hold": "false"},
        ":2",
    )


DYNAMIC = (
    '{"_meta": {"hostvars": {"w1": {"ansible_host": "10.0.0.1"}}}, "web": {"hosts": ["w1"], "vars": {"site": "LHR"}}}'
)


def test_a_program_that_prints_json(tmp_path: Path) -> None:
    """An executable is run with --list, a !command as written; both may print Ansible's dynamic form."""
    script = write(tmp_path, "inv", f"#!/bin/sh\n[ \"$1\" = --list ] && echo '{DYNAMIC}'\n", 0o755)
    for source in (script, f"!{script} --list"):
        (host,) = read(source, Settings()).hosts
        assert (host.name, host.address, host.site, host.labels) == ("w1", "10.0.0.1", "LHR", {"groups": "web"})


def test_a_failing_program_says_why(tmp_path: Path) -> None:
    """Exit code and stderr are shown; a program that isn't there is a problem too."""
    script = write(tmp_path, "inv", "#!/bin/sh\necho 'no database' >&2\nexit 3\n", 0o755)
    assert "ended with exit code 3; it said: no database" in first_problem(f"!{script}")
    assert "can't be run: No such file or directory" in first_problem("!/nonexistent/program")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.tsv", "", "csv"),
        ("a.yaml", "", "ansible"),
        ("hosts", "name,site\n", "csv"),
        ("hosts", "sep=;\nname;site\n", "csv"),
        ("hosts", "[web]\nw1\n", "ansible"),
        ("hosts", "---\nall:\n", "ansible"),
        ("hosts", '[\n{"name": "a"}]', "json"),
        ("hosts", '{"web": []}', "json"),
    ],
)
def test_the_reader_is_chosen_by_name_or_content(tmp_path: Path, name: str, text: str, expected: str) -> None:
    """The suffix decides; without one the content does."""
    assert choose(write(tmp_path, name, text)) == expected


def test_an_executable_without_suffix_is_a_program(tmp_path: Path) -> None:
    """Only a file without a known suffix is run, so a share mounted executable runs no CSV."""
    executable = stat.S_IRWXU
    assert choose(write(tmp_path, "inv", "", executable)) == "command"
    assert choose(write(tmp_path, "hosts.csv", "", executable)) == "csv"
    with pytest.raises(InputError, match="there is no such inventory"):
        choose(str(tmp_path / "none.csv"))


def test_victims_are_merged_and_unknown_ones_told(tmp_path: Path) -> None:
    """The latest time counts, case doesn't; an unknown name is a warning with the likely host, never a guess."""
    inventory = read(write(tmp_path, "hosts.csv", "name\nws-1\nws-2.corp.example\n"), Settings())
    export = "ComputerName,@timestamp\nWS-1,1721362140000\nws-1,2024-07-19T04:00:00Z\nWS-2,1721362200\n"
    merged = merge(inventory, read_victims(write(tmp_path, "edr.csv", export)))
    assert [host.reported_broken_at for host in merged.hosts] == ["2024-07-19T04:09:00Z", ""]
    (warning,) = merged.warnings
    assert str(warning).endswith("edr.csv:4: victim 'WS-2' is not in the inventory; it has ws-2.corp.example")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,colour\na,b\n", "no column with the time"),
        ("name,time\na,2024-07-19 05:00:00\n", "has no time zone"),
        ("name,time\na,\n", "the time is empty"),
    ],
)
def test_bad_victim_lists(tmp_path: Path, text: str, expected: str) -> None:
    """A list without a usable time is refused: it would be no dated evidence."""
    with pytest.raises(InputError, match=expected):
        read_victims(write(tmp_path, "edr.csv", text))
