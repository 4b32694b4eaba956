"""The static programs: their grammar, judged by a parser that is not ours, and the rules they keep."""

import re
from importlib.resources import files

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from unloop.actions.compile import compile_order
from unloop.model.host import System
from unloop.model.order import Shell
from unloop.playbook.document import Playbook, Step

PROGRAMS = files("unloop.actions").joinpath("programs")
PARSER = Parser(Language(tree_sitter_powershell.language()))
every_powershell = pytest.mark.parametrize("name", ["guards.ps1", "remedy.ps1", "verify.ps1"])


def text(name: str) -> str:
    """The text of a static program."""
    return PROGRAMS.joinpath(name).read_text(encoding="utf-8")


def nodes(node: Node) -> list[Node]:
    """A syntax tree, flat."""
    return [node, *(below for child in node.children for below in nodes(child))]


def errors(program: str) -> list[bytes | None]:
    """What the grammar can't read."""
    tree = PARSER.parse(program.encode())
    return [node.text for node in nodes(tree.root_node) if node.type == "ERROR" or node.is_missing]


@every_powershell
def test_program_has_no_syntax_error(name: str) -> None:
    """A foreign grammar of PowerShell reads the whole program."""
    assert errors(text(name)) == []


def test_compiled_program_has_no_syntax_error() -> None:
    """It is still a program when comments and indentation are left out and data stands before it."""
    playbook = Playbook(
        "p", "t", System.WINDOWS, actions=(Step("quarantine_file", {"path": "C:\\it's\\x*"}),), verify=()
    )
    order = compile_order(playbook, campaign="c1")
    assert errors(order.programs[Shell.POWERSHELL]) + errors(order.verifications[Shell.POWERSHELL]) == []


@every_powershell
def test_program_stays_within_powershell_5(name: str) -> None:
    """Nothing that Windows PowerShell 5.1 can't read: no ternary, no ??, no chains, no ::new; and ASCII alone."""
    code = "\n".join(line for line in text(name).splitlines() if not line.strip().startswith("#"))
    assert code.isascii()
    assert re.findall(r"\?\?|\?\.|&&|\|\||::new\(| \? ", code) == []


@every_powershell
def test_program_uses_no_alias_and_no_wildcard_path(name: str) -> None:
    """Every command is a full name of ours or a listed cmdlet, and none of them takes a path that could be a wildcard."""
    commands = {
        node.text.decode()
        for node in nodes(PARSER.parse(text(name).encode()).root_node)
        if node.type == "command_name" and node.text
    }
    listed = {"New-Object", "Write-Output", "ConvertTo-Json", "ConvertFrom-Json"}
    listed |= {"Get-CimInstance", "Get-Service", "Get-WinEvent"}
    ours = re.findall(r"^function ([A-Za-z0-9-]+)", text("guards.ps1") + text("remedy.ps1") + text(name), re.MULTILINE)
    assert set() == commands - set(ours) - listed - {"$program"}


def test_no_line_of_a_program_is_part_of_a_longer_text() -> None:
    """Comments and indentation are left out line by line, so no literal may span lines."""
    for name in ("guards.ps1", "remedy.ps1", "verify.ps1"):
        assert "@'" not in "\n".join(line for line in text(name).splitlines() if not line.startswith("#"))
