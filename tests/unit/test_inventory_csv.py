"""CSV inventories: every encoding and separator that spreadsheets write, and every problem with its line."""

from pathlib import Path

import pytest

from unloop.errors import InputError
from unloop.inventory.fields import FIELDS
from unloop.inventory.judge import undone_fields
from unloop.inventory.read import read
from unloop.model.host import Role, System
from unloop.settings.schema import CredentialSettings, DefaultSettings, Settings

FULL = (
    "name,address,system,channels,credential,smb_port,bmc,bmc_channel,bmc_port,bmc_credential,bmc_accepted,mac,uuid,"
    "site,rack,power_domain,tier,role,bitlocker,reported_broken_at,groups,label.hold\n"
    "ws-1,10.0.0.1,windows,winrm smb,local domain,4450,10.9.0.1,ipmi,6230,bmc,yes,AA-BB-CC-00-11-22 02aa.bbcc.ddee,"
    "{4C4C4544-0042-3510-8054-B4C04F564C31},LHR,A1,P1,0,domain_controller,true,2024-07-19T07:00:00+02:00,web eu,yes\n"
)


def write(directory: Path, content: str | bytes, name: str = "hosts.csv") -> str:
    """A file with that content."""
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def problems(source: str, settings: Settings | None = None) -> list[str]:
    """Line and text of every problem of a source."""
    with pytest.raises(InputError) as caught:
        read(source, settings or Settings())
    return [str(problem).removeprefix(f"{source}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("named", "wrong"),
    [("local", ["2: dc-1: credential: local: a domain controller has no local account"]), ("domain", [])],
)
def test_a_domain_controller_has_no_local_account(tmp_path: Path, named: str, wrong: list[str]) -> None:
    """One that is named alone for it could never be used; beside a domain's account it is passed over."""
    known = {"local": CredentialSettings(username="admin"), "domain": CredentialSettings(username="CORP\\fix")}
    settings = Settings(credentials=known)
    source = write(tmp_path, f"name,address,role,credential\ndc-1,10.0.0.1,domain_controller,{named}\n")
    if wrong:
        assert [problem.split(";")[0] for problem in problems(source, settings)] == wrong
    else:
        assert len(read(source, settings).hosts) == 1


def test_every_field_arrives(tmp_path: Path) -> None:
    """Every column of the reference becomes a field of the host, in its normal form."""
    (host,) = read(write(tmp_path, FULL), Settings()).hosts
    assert [(e.channel, e.address, e.port, e.credentials) for e in host.endpoints] == [
        ("winrm", "10.0.0.1", 0, ("local", "domain")),
        ("smb", "10.0.0.1", 4450, ("local", "domain")),
    ]
    assert host.bmc is not None
    assert (host.bmc.channel, host.bmc.address, host.bmc.port, host.bmc.credentials) == (
        "ipmi",
        "10.9.0.1",
        6230,
        ("bmc",),
    )
    assert host.macs == ("aa:bb:cc:00:11:22", "02:aa:bb:cc:dd:ee")
    assert host.uuid == "4c4c4544-0042-3510-8054-b4c04f564c31"
    assert (host.site, host.rack, host.power_domain, host.tier, host.role) == (
        "LHR",
        "A1",
        "P1",
        0,
        Role.DOMAIN_CONTROLLER,
    )
    assert (host.bitlocker, host.bmc_accepted, host.reported_broken_at) == (True, True, "2024-07-19T05:00:00Z")
    assert host.labels == {"hold": "yes", "groups": "web,eu"}
    assert host.source.endswith("hosts.csv:2")


def test_every_listed_field_is_handled() -> None:
    """No field stands in the reference that nothing reads."""
    assert undone_fields() == frozenset()
    assert all(FIELDS.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, delimiter: str, newline: str) -> None:
    """UTF-8 and UTF-16, with mark or without, any usual separator and either line end read alike."""
    text = newline.join(["name;site;label.note", 'ws-1;Zürich;"a, b"', "ws-2;;", ""]).replace(";", delimiter)
    if delimiter == ",":
        text = text.replace('"a, b"', '"a, b"')
    hosts = read(write(tmp_path, text.encode(encoding)), Settings()).hosts
    assert [(host.name, host.site, host.labels) for host in hosts] == [
        ("ws-1", "Zürich", {"note": "a, b"}),
        ("ws-2", "", {}),
    ]


def test_what_excel_adds_is_understood(tmp_path: Path) -> None:
    """A sep= line, capital headings, empty rows, empty extra cells and comments are no problem."""
    text = "sep=;\r\n# from the asset list\r\nName;Site;\r\n ws-1 ; LHR ;;\r\n;;\r\n#ws-2;x;\r\n"
    (host,) = read(write(tmp_path, text), Settings()).hosts
    assert (host.name, host.site, host.source[-2:]) == ("ws-1", "LHR", ":4")


def test_defaults_by_system_and_settings(tmp_path: Path) -> None:
    """Channels follow the system; default credentials put local accounts first, and domain controllers get none of them."""
    settings = Settings(
        credentials={
            "dom": CredentialSettings("CORP\\a", password="env:A"),
            "loc": CredentialSettings("a", password="env:A"),
        },
        defaults=DefaultSettings(credentials={"smb": ("dom", "loc"), "bmc": ("loc",)}, bmc_channel="ipmi"),
    )
    text = "name,system,role,bmc\nws-1,,,10.9.0.1\ndc-1,windows,domain_controller,\ndb-1,linux,,\n"
    workstation, controller, database = read(write(tmp_path, text), settings).hosts
    assert [(e.channel, e.credentials) for e in workstation.endpoints] == [("smb", ("loc", "dom")), ("winrm", ())]
    assert workstation.bmc is not None
    assert (workstation.bmc.channel, workstation.bmc.credentials) == ("ipmi", ("loc",))
    assert controller.endpoints[0].credentials == ("dom",)
    assert (database.system, [e.channel for e in database.endpoints]) == (System.LINUX, ["ssh"])


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Every wrong value of every line is reported in one go, with line, host and hint."""
    settings = Settings(credentials={"local": CredentialSettings("a", password="env:A")})
    text = (
        "name,adress,address,system,channels,credential,bmc,bmc_port,mac,uuid,tier,role,bitlocker,reported_broken_at\n"
        "ws-1,,10.0.0.256,windos,smb,locale,,99,zz,1234,x,king,maybe,2024-07-19T05:00:00\n"
        "ws 2,,http://a,,ipmi,,,,,,,,,\n"
        ",,10.0.0.3,,telnet,,10.9.0.3,70000,,,,,,\n"
        "ws-4,x\n"
    )
    assert problems(write(tmp_path, text), settings) == [
        "1: no column is called 'adress'; did you mean 'address'?",
        "2: ws-1: address: '10.0.0.256' is no IP address and no DNS name",
        "2: ws-1: system: 'windos' is none of windows, linux",
        "2: ws-1: mac: 'zz' is no MAC address; write it as 00:11:22:aa:bb:cc",
        "2: ws-1: uuid: '1234' is no UUID; write it as 8-4-4-4-12 hexadecimal digits",
        "2: ws-1: tier: 'x' is no whole number",
        "2: ws-1: role: 'king' is none of domain_controller, hypervisor, cluster_member",
        "2: ws-1: bitlocker: 'maybe' is neither true nor false; write true or false",
        "2: ws-1: reported_broken_at: '2024-07-19T05:00:00' has no time zone; add Z for UTC, or an offset such as +02:00",
        "2: ws-1: credential: unloop.toml has no credential 'locale'; did you mean 'local'?",
        "2: ws-1: bmc_port: given, but no bmc; add the BMC's address in bmc",
        "3: ws 2: name: 'ws 2' is no host name; use letters, digits, '.', '-' and '_'",
        "3: ws 2: address: 'http://a' is no IP address and no DNS name; write the address without scheme and port",
        "3: ws 2: channels: ipmi reaches no system; channels to a BMC go into bmc and bmc_channel",
        "4: the name is empty",
        "4: channels: no channel is called 'telnet'; known: ipmi, redfish, smb, ssh, winrm, wol",
        "4: bmc: '70000' is no port; ports are 1 to 65535",
        "5: 2 cells, but the header has 14",
    ]


def test_duplicates(tmp_path: Path) -> None:
    """The same name (whatever its case), address, UUID or MAC twice is a problem that names the first place."""
    text = (
        "name,address,mac,uuid\n"
        "a,10.0.0.1,00:11:22:33:44:55,4c4c4544-0042-3510-8054-b4c04f564c31\n"
        "A,10.0.0.2,,\n"
        "c,10.0.0.1,,\n"
        "d,10.0.0.4,001122334455,4C4C4544-0042-3510-8054-B4C04F564C31\n"
    )
    source = write(tmp_path, text)
    assert problems(source) == [
        f"3: A: name A is also that of a ({source}:2)",
        f"4: c: address 10.0.0.1 is also that of a ({source}:2)",
        f"5: d: uuid 4c4c4544-0042-3510-8054-b4c04f564c31 is also that of a ({source}:2)",
        f"5: d: mac 00:11:22:33:44:55 is also that of a ({source}:2)",
    ]


def test_one_address_with_two_ports_is_two_hosts(tmp_path: Path) -> None:
    """Hosts behind one forwarded address differ by their ports."""
    text = "name,address,system,ssh_port\na,10.0.0.1,linux,2201\nb,10.0.0.1,linux,2202\n"
    assert len(read(write(tmp_path, text), Settings()).hosts) == 2


def test_a_shared_bmc_is_a_warning_unless_meant(tmp_path: Path) -> None:
    """Two hosts with one BMC are warned of, since a reset would hit one of them wrongly; bmc_shared says it is meant."""
    text = "name,bmc,bmc_shared\na,10.9.0.1,{0}\nb,10.9.0.1,{0}\n"
    (warning,) = read(write(tmp_path, text.format("")), Settings()).warnings
    assert "the BMC 10.9.0.1 is that of 2 hosts: a, b" in str(warning)
    assert read(write(tmp_path, text.format("yes")), Settings()).warnings == ()


@pytest.mark.parametrize("uuid", ["00000000-0000-0000-0000-000000000000", "03000200-0400-0500-0006-000700080009"])
def test_placeholder_uuids_are_refused(tmp_path: Path, uuid: str) -> None:
    """A UUID that vendors leave in unprogrammed boards proves no identity."""
    assert "identifies no host" in problems(write(tmp_path, f"name,uuid\na,{uuid}\n"))[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"name,site\n", "the inventory holds no host"),
        (b"host,site\na,b\n", "1: there is no column 'name'"),
        (b"name,site\nws-1,Z\xfcrich\n", "2: the text is not UTF-8; save it as 'CSV UTF-8'"),
        (b'name,site\nws-1,"open\nws-2,x\n', "2: the line can't be read"),
        (b"name,name\na,b\n", "1: column 'name' is there twice"),
    ],
)
def test_unreadable_tables(tmp_path: Path, content: bytes, expected: str) -> None:
    """A table that can't be read says where and how to save it right; encodings are never guessed."""
    assert any(expected in problem for problem in problems(write(tmp_path, content)))


def test_many_problems_are_cut_and_counted(tmp_path: Path) -> None:
    """After fifty problems the rest is a number."""
    text = "name,tier\n" + "".join(f"ws-{number},x\n" for number in range(1234))
    found = problems(write(tmp_path, text))
    assert len(found) == 51
    assert "1,184 more problems (1,234 in all)" in found[-1]


def test_fields_of_a_channel_that_the_host_has_not(tmp_path: Path) -> None:
    """A port for a channel that the host doesn't use is a slip, not ignored."""
    expected = ["2: a: ssh_port: given, but the host's channels are smb winrm; add it to channels"]
    assert problems(write(tmp_path, "name,ssh_port\na,22\n")) == expected


def test_a_fingerprint_that_is_none_is_found_when_the_inventory_is_read(tmp_path: Path) -> None:
    """Not when the host's BMC is first needed: the line, the option, and what to write."""
    good = ":".join(["Ab"] * 32)
    text = f"name,bmc,bmc_channel,bmc_tls_fingerprint\na,10.9.0.1,redfish,{good}\nb,10.9.0.2,redfish,{good[3:]}\n"
    (told,) = problems(write(tmp_path, text))
    assert told == (
        f"3: b: option tls_fingerprint of channel redfish is {good[3:]!r}; the SHA-256 of a certificate is "
        "64 hex digits, colons allowed: openssl x509 -noout -fingerprint -sha256 shows it"
    )
