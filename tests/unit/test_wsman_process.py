"""An order in one command line: how long it gets, that a foreign grammar reads it, and what names of files tell."""

import base64
import random
import re
import zlib
from dataclasses import replace
from importlib.resources import files

import pytest
import tree_sitter_powershell
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from exchanges import begun, told
from unloop.actions.compile import compile_order
from unloop.channels.strike.wsman import process
from unloop.channels.strike.wsman.http import HttpFramer
from unloop.channels.strike.wsman.process import LONGEST, LONGEST_NAME, Payload, fits, packed
from unloop.channels.strike.wsman.way import Way, way_of
from unloop.errors import AccessDenied, ChannelError, Unsupported
from unloop.model.files import Disposition, FileOrder
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.model.report import Verdict
from unloop.playbook.document import Playbook, Step
from unloop.playbook.fixture_load import load_fixture
from unloop.playbook.load import load
from unloop.playbook.render import render
from unloop.playbook.shipped import locate, shipped
from wsman_host import exchange, server_of, windows_machine

NAME = "unloop-report-c1-0123456789ab-1a2b3c4d"
PARSER = Parser(Language(tree_sitter_powershell.language()))
WINDOWS = [path.stem for path in shipped() if load(path).system is System.WINDOWS]
FIRST_FLIGHT = 10 * 1448
"""Bytes that a new connection carries before the first acknowledgement (RFC 6928), with time stamps in each segment."""


def order_of(name: str) -> Order:
    """The order of a shipped playbook for its sick host."""
    playbook = load(locate(name))
    sick = load_fixture(locate(name).parent / "fixtures" / name / "sick.yml", system=playbook.system)
    return compile_order(render(playbook, host=sick.host, variables=sick.variables, campaign="c"), campaign="c" * 64)


def errors(program: str) -> list[bytes | None]:
    """What a foreign grammar of PowerShell can't read."""

    def flat(node: Node) -> list[Node]:
        return [node, *(below for child in node.children for below in flat(child))]

    return [
        node.text for node in flat(PARSER.parse(program.encode()).root_node) if node.type == "ERROR" or node.is_missing
    ]


def wrapped(command_line: str) -> str:
    """The program that powershell.exe is given."""
    start, program, end = command_line.split('"')
    assert start == "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command "
    assert end == ""
    return program


@pytest.mark.parametrize("name", WINDOWS)
def test_a_shipped_playbook_fits_into_a_command_line(name: str) -> None:
    """Every shipped playbook for Windows goes into one command line, far below what Windows takes."""
    order = order_of(name)
    payload = Payload(order.programs[Shell.POWERSHELL], "unloop-report-" + "c" * 64 + "-0123456789ab-1a2b3c4d")
    assert way_of(order) is Way.PROGRAM
    assert len(payload.command_line) < 12_000 < LONGEST
    assert errors(wrapped(payload.command_line)) == []


@pytest.mark.parametrize("name", WINDOWS)
def test_a_shipped_playbook_fits_into_the_first_flight(name: str) -> None:
    """Log-on, envelope and framing included, it is sent without waiting for an acknowledgement."""
    messages, framer = exchange(order_of(name)).messages(), HttpFramer()
    greeting = begun(messages)
    assert isinstance(greeting, bytes)
    framer.feed(server_of(windows_machine()).feed(greeting))
    request = told(messages, framer.next() or b"")
    assert isinstance(request, bytes)
    assert len(request) <= FIRST_FLIGHT


def test_what_does_not_fit_is_left_to_others() -> None:
    """A program that no command line holds has no way; one that just fits is below the limit with the longest name."""
    noise = base64.b64encode(random.Random(1).randbytes(60_000)).decode()  # noqa: S311 - no secret
    sizes = {count: fits(noise[:count]) for count in range(0, len(noise), 500)}
    most = max(count for count, is_short in sizes.items() if is_short)
    assert 25_000 < most < 40_000
    assert LONGEST - 1000 < len(Payload(noise[:most], "n" * LONGEST_NAME).command_line) <= LONGEST
    too_long = Order(digest="d", programs={Shell.POWERSHELL: noise})
    assert way_of(too_long) is None


@given(st.text(max_size=300).filter(lambda text: text.isascii()))
def test_a_program_is_unpacked_as_it_was(program: str) -> None:
    """Raw deflate in base64, which nothing in a command line needs to escape."""
    text = packed(program)
    assert re.fullmatch("[A-Za-z0-9+/=]*", text)
    assert zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS).decode() == program


def test_the_wrapper_keeps_to_what_a_command_line_and_old_shells_take() -> None:
    """ASCII, no double quotes, no wildcard paths, nothing that Windows PowerShell 4 can't read, no cmdlet but the listed."""
    text = files("unloop.channels.strike.wsman").joinpath("land.ps1").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.strip().startswith("#"))
    assert code.isascii()
    assert errors(code) == []
    assert re.findall(r'"|\?\?|\?\.|&&|\|\||::new\(| \? |`', code) == []
    commands = set(re.findall(r"\b[A-Z][A-Za-z]+-[A-Z][A-Za-z]+", code))
    assert commands == {"New-Object", "Invoke-Expression", "ConvertFrom-Json"}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_name_tells_a_verdict(verdict: Verdict) -> None:
    """WMI tells names in lower case; the report says that it was told by one, and by which."""
    found = Payload("1", NAME.replace("c1", "C1")).report(["other.r", f"{NAME}-part.r", f"{NAME}-{verdict}.r"])
    assert found is not None
    assert found.verdict is verdict
    assert f"C:\\{NAME}-{verdict}.r" in found.message


@pytest.mark.parametrize(
    "name", ["", "x", f"{NAME}.r", f"{NAME}-part.r", f"{NAME}-landed.r.bak", f"{NAME}-won.r", f"x{NAME}-landed.r"]
)
def test_other_names_tell_nothing(name: str) -> None:
    """A file that is still being written, and files of others, are no report."""
    assert Payload("1", NAME).report([name]) is None


def test_a_program_that_ends_without_a_report_was_sent() -> None:
    """Nobody knows what it did: it is neither landed nor failed."""
    found = Payload("1", NAME).report([f"{NAME}-no_report.r"])
    assert found is not None
    assert (found.verdict, found.actions) == (Verdict.SENT, ())


@pytest.mark.parametrize("name", ["", "a b", "a\\b", "a/b", "a'b", "a*", "n" * 181, "é"])
def test_a_name_that_could_mean_something_else_is_refused(name: str) -> None:
    """The name stands in a program, a query and a path."""
    with pytest.raises(ValueError, match="can't be the name"):
        Payload("1", name)


@pytest.mark.parametrize(
    ("code", "error"), [(2, AccessDenied), (3, AccessDenied), (8, Unsupported), (9, Unsupported), (77, Unsupported)]
)
def test_what_create_returns(code: int, error: type[ChannelError]) -> None:
    """Every value but 0 says that nothing was started, so that another channel may take over."""
    assert process.failure_of(0) is None
    assert type(process.failure_of(code)) is error


def step(path: str, **more: object) -> Step:
    """An action that moves files aside."""
    return Step("quarantine_file", {"path": path, **more})


@pytest.mark.parametrize(
    ("steps", "more", "way"),
    [
        ([step("C:\\W\\a.sys")], {}, Way.CIM),
        ([step("C:\\W\\a*.sys"), step("D:\\b?.txt")], {}, Way.CIM),
        ([step("C:\\W\\a*", guard={"modified": {"from": "2024-07-19T04:09:00Z"}, "size": {"min": 3}})], {}, Way.CIM),
        ([step("C:\\W\\a*")], {"already_good_if": (Step("file_absent", {"": "C:\\W\\a*"}),)}, Way.CIM),
        ([step("C:\\W\\a*", guard={"header": "AA"})], {}, Way.PROGRAM),
        ([step("C:\\W\\a*", guard={"sha256": "0" * 64})], {}, Way.PROGRAM),
        (
            [step("C:\\W\\a*"), Step("set_registry", {"path": "HKLM\\SYSTEM\\a\\b", "value": 1, "type": "REG_DWORD"})],
            {},
            Way.PROGRAM,
        ),
        ([Step("delete_file", {"path": "C:\\W\\a*", "keep": "hash"})], {}, Way.PROGRAM),
        ([Step("put_file", {"path": "C:\\W\\a", "content": "x"})], {}, Way.PROGRAM),
        ([Step("restore_file", {"path": "C:\\W\\a", "from": "C:\\b"})], {}, Way.PROGRAM),
        (
            [step("C:\\W\\a*")],
            {"already_good_if": (Step("file_present", {"path": "C:\\W\\a*", "guard": {"header": "AA"}}),)},
            Way.PROGRAM,
        ),
        ([step("C:\\W\\a*")], {"not_applicable_if": (Step("service_running", {"name": "x"}),)}, Way.PROGRAM),
    ],
)
def test_the_way_is_known_beforehand(steps: list[Step], more: dict[str, object], way: Way) -> None:
    """What WMI shows and does goes by WMI; the rest goes as a program; both hold for the whole order."""
    playbook = Playbook("p", "t", System.WINDOWS, actions=tuple(steps), digest="d", **more)  # type: ignore[arg-type]
    assert way_of(compile_order(playbook, campaign="c1")) is way


def test_a_path_that_xml_can_not_carry_goes_as_a_program() -> None:
    """A program's data is ASCII whatever stands in it; a message's is not."""
    odd = FileOrder("v", Disposition.QUARANTINE, "C:\\W\\a\x01*", quarantine="C:\\unloop-quarantine\\c1")
    assert way_of(Order(digest="d", files=(odd,), programs={Shell.POWERSHELL: "1"})) is Way.PROGRAM
    assert way_of(Order(digest="d", files=(replace(odd, pattern="C:\\W\\a*"),))) is Way.CIM


def test_an_order_for_linux_has_no_way() -> None:
    """Neither its paths nor its programs are Windows'."""
    playbook = Playbook("p", "t", System.LINUX, actions=(step("/etc/x"),), digest="d")
    assert way_of(compile_order(playbook, campaign="c1")) is None
    assert way_of(Order(digest="d")) is None
