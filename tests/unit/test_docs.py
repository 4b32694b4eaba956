"""The documents agree with the code and with each other."""

import ast
import importlib.util
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pytest

import unloop
from unloop import plugins
from unloop.actions.checks import CHECKS
from unloop.actions.kinds import write_guard
from unloop.actions.registry import verbs
from unloop.cli.main import COMMANDS
from unloop.inventory.fields import FIELDS
from unloop.model.files import FileGuard
from unloop.model.outcome import ExitCode, Outcome
from unloop.model.state import Event, State
from unloop.playbook.ladder import RUNGS
from unloop.settings.schema import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    """One page of the reference."""
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_every_generated_page_is_current(generator: ModuleType) -> None:
    """What stands in docs/reference is what the code says now; else: make docs."""
    stale = [name for name, text in generator.pages().items() if page(name) != text]
    assert stale == []


def test_the_check_names_a_stale_page_and_writes_nothing(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--check ends with 1 where a page is out of date, and leaves it as it is."""
    monkeypatch.setattr(generator, "REFERENCE", tmp_path)
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    (tmp_path / "states.md").write_text("old\n")
    assert generator.main(["--check"]) == 1
    assert "docs/reference/states.md is out of date" in capsys.readouterr().err
    assert (tmp_path / "states.md").read_text() == "old\n"


def test_every_page_of_the_reference_is_generated(generator: ModuleType) -> None:
    """No page lies in docs/reference that nobody keeps current."""
    assert sorted(path.name for path in REFERENCE.iterdir()) == sorted(generator.pages())


def test_every_setting_is_described() -> None:
    """Each setting of each table stands in its section of the reference."""
    sections = dict(re.findall(r"^## \[([\w.]+)\]\n(.*?)(?=^## |\Z)", page("settings.md"), re.DOTALL | re.MULTILINE))
    missing = []
    for table in fields(Settings):
        if table.name == "sources":
            continue
        schema = get_type_hints(Settings)[table.name]
        name = "credentials.NAME" if table.name == "credentials" else table.name
        settings = fields(schema.__args__[1] if table.name == "credentials" else schema)
        missing += [f"{name}.{item.name}" for item in settings if f"| `{item.name}` |" not in sections[name]]
    assert missing == []


def test_every_word_of_the_language_is_described(generator: ModuleType) -> None:
    """Each verb, check, option, rung and guard stands in the reference."""
    text = page("playbook.md")
    assert [name for name in (*verbs(), *CHECKS) if f"### {name}\n" not in text] == []
    options = {option.name for verb in verbs().values() for option in verb.option_specs()}
    options |= {option.name for check in CHECKS.values() for option in check.option_specs()}
    assert sorted(name for name in options if f"`{name}`" not in text) == []
    rungs = {*RUNGS, *(name for found in RUNGS.values() for name in found)}
    assert sorted(name for name in rungs if f"`{name}`" not in text) == []
    moment = datetime(2024, 7, 19, tzinfo=UTC)
    full = FileGuard("aa", moment, moment, 1, 2, ("0" * 64,), moment)
    assert set(write_guard(full)) == set(generator.GUARD_HELP)


def test_every_channel_option_is_described() -> None:
    """Each channel stands in the reference with each of its options, in the table and in its sentence."""
    text = page("channels.md")
    missing = []
    for name in plugins.names("unloop.channels"):
        assert f"## {name}\n" in text
        for option in fields(plugins.load("unloop.channels", name).Options):  # type: ignore[attr-defined]
            missing += [word for word in (f"`{name}_{option.name}`", f"`{option.name}`") if word not in text]
    assert missing == []


def test_every_inventory_field_is_described() -> None:
    """Each field of a host stands in the reference."""
    assert [name for name in FIELDS if f"| `{name}` |" not in page("inventory.md")] == []


def test_every_command_is_described() -> None:
    """Each command of the command line stands in the reference."""
    assert [name for name in COMMANDS if f"## unloop {name}\n" not in page("cli.md")] == []


def test_every_exit_code_is_described() -> None:
    """Each exit code stands in the reference and in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [code for code in ExitCode if f"| {code.value} | `{code.name}` |" not in page("exit-codes.md")] == []
    assert [code for code in ExitCode if f"\n| {code.value} | " not in readme] == []


def test_every_state_and_outcome_is_described() -> None:
    """Each state, event and outcome stands in the reference, and each outcome in the README."""
    text = page("states.md")
    assert [str(word) for word in (*State, *Event, *Outcome) if f"| `{word}` |" not in text] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [str(outcome) for outcome in Outcome if f"`{outcome}`" not in readme] == []


def test_the_readme_can_be_read_in_one_sitting() -> None:
    """The README has at most 120 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_changelog_starts_with_this_version() -> None:
    """The newest entry of the changelog is the version of the package."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)[0] == unloop.__version__


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    """Each link to a file of this repository leads to one."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    targets = [target.partition("#")[0] for target in LINK.findall(text) if "://" not in target]
    assert [target for target in targets if target and not (path.parent / target).exists()] == []


def test_every_page_can_be_found() -> None:
    """Each page is linked from the index."""
    linked = {(DOCS / target).resolve() for target in LINK.findall((DOCS / "index.md").read_text(encoding="utf-8"))}
    assert [str(path) for path in DOCS.rglob("*.md") if path.name != "index.md" and path.resolve() not in linked] == []


def test_commands_in_the_documents_exist() -> None:
    """Each `unloop …` in a code block names a command, and a subcommand where the command has some."""
    known = page("cli.md")
    unknown = []
    for path in PAGES:
        if path.parent == REFERENCE:
            continue
        for block in FENCE.findall(path.read_text(encoding="utf-8")):
            for command, below in re.findall(r"^(?:\.venv/bin/)?unloop ([a-z]+)(?: ([a-z]+))?", block, re.MULTILINE):
                is_group = f"### unloop {command} " in known
                wanted = f"### unloop {command} {below}\n" if is_group else f"## unloop {command}\n"
                unknown += [] if wanted in known else [f"{path.name}: unloop {command} {below}"]
    assert unknown == []


def test_options_in_the_documents_exist() -> None:
    """Each long option of an `unloop …` line in a code block is one of that command's."""
    sections = dict(
        re.findall(r"^#+ (unloop [a-z ]+)\n(.*?)(?=^#+ unloop |\Z)", page("cli.md"), re.DOTALL | re.MULTILINE)
    )
    unknown = []
    for path in PAGES:
        for block in FENCE.findall(path.read_text(encoding="utf-8")) if path.parent != REFERENCE else ():
            for line in re.findall(r"^(?:\.venv/bin/)?(unloop [a-z].*)$", block, re.MULTILINE):
                text = line.partition("#")[0]
                names = [name for name in sections if f"{text} ".startswith(f"{name} ")]
                told = sections[max(names, key=len)] if names else ""
                options = re.findall(r"(?<= )--?[a-z][a-z-]*", text)
                unknown += [f"{path.name}: {line}" for option in options if not re.search(rf"{option}\b", told)]
    assert unknown == []


def test_everything_public_says_what_it_is() -> None:
    """Each public module, class, function and method of the package has a docstring."""
    missing = []
    for path in sorted((ROOT / "src" / "unloop").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body and "migrations" not in path.parts:
            missing += [f"{path.relative_to(ROOT)}: {name}" for name in undocumented(tree, path.stem)]
    assert missing == []


def undocumented(node: ast.Module | ast.ClassDef, name: str) -> list[str]:
    """The public names in a module or class, itself included, that have no docstring."""
    found = [] if ast.get_docstring(node) else [name]
    for below in node.body:
        if isinstance(below, ast.ClassDef) and not below.name.startswith("_"):
            found += undocumented(below, f"{name}.{below.name}")
        elif isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef) and not below.name.startswith("_"):
            is_setter = any(isinstance(mark, ast.Attribute) and mark.attr == "setter" for mark in below.decorator_list)
            found += [] if is_setter or ast.get_docstring(below) else [f"{name}.{below.name}"]
    return found
