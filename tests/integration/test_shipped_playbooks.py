"""The shipped playbooks are proven on their fixtures, and bad ones are found out by theirs."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from unloop.actions.compile import compile_order
from unloop.actions.proof import idle_actions, prove, prove_all
from unloop.actions.review import review
from unloop.cli.main import run
from unloop.model.host import Host
from unloop.model.report import Verdict
from unloop.playbook.fixture import Fixture
from unloop.playbook.fixture_load import fixture_paths, load_fixture
from unloop.playbook.load import load, loads
from unloop.playbook.render import render
from unloop.playbook.shipped import locate, shipped
from unloop.playbook.write import as_yaml

DATA = Path(__file__).parents[1] / "data" / "playbooks"
SHIPPED = [path.stem for path in shipped()]


def fixture(name: str, case: str) -> Fixture:
    """One fixture of a shipped playbook."""
    path = locate(name)
    return load_fixture(path.parent / "fixtures" / name / f"{case}.yml", system=load(path).system)


def test_the_six_are_there() -> None:
    """The playbooks that the documentation promises are shipped."""
    expected = ["asr-shortcuts", "channel-file-291", "disable-driver", "linux-previous-kernel"]
    assert [*expected, "restore-quarantined-file", "uninstall-update"] == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_playbook_holds(name: str) -> None:
    """It has no problem, no warning, and comes to what every one of its fixtures expects."""
    found = review(locate(name))
    assert (found.problems, found.warnings) == ((), ())
    assert all(proof.holds for proof in found.proofs)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_playbook_has_sick_and_healthy_hosts(name: str) -> None:
    """A sick and a healthy host are there under the names that rehearsals look for."""
    assert {"sick", "healthy"} <= {path.stem for path in fixture_paths(locate(name))}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_playbook_can_be_carried_and_written_back(name: str) -> None:
    """Rendered for the sick host it compiles for some channel, and what render shows loads again to the same order."""
    sick = fixture(name, "sick")
    rendered = render(load(locate(name)), host=sick.host, variables=sick.variables, campaign="c")
    order = compile_order(rendered, campaign="c")
    again = compile_order(loads(as_yaml(rendered), rendered.path), campaign="c")
    assert order.programs
    assert (order.files, order.checks, dict(order.programs)) == (again.files, again.checks, dict(again.programs))


@pytest.mark.parametrize("name", ["bad-path-part-missing", "bad-nine-digits", "bad-version-tail"])
def test_a_recipe_that_matches_nothing_is_found_out_by_its_fixture(name: str) -> None:
    """Without any lint: a path that misses the file does nothing to the sick host, and that is an error with its line."""
    playbook = load(DATA / f"{name}.yml")
    proofs = prove_all(playbook)
    assert [(proof.expected, proof.actual) for proof in proofs] == [("landed", "no_match")]
    told = [str(problem) for problem in idle_actions(playbook, proofs)]
    assert told[0].startswith(f"{playbook.path}:8:13: delete_file does nothing on any of its fixtures (sick)")


@pytest.mark.parametrize("case", ["healthy", "other-before-the-fault", "other-wrong-place", "other-no-sensor"])
def test_hosts_that_must_not_match_are_told_apart(case: str) -> None:
    """The fixture that must be left alone fails loudly when it is expected to be repaired."""
    found = fixture("channel-file-291", case)
    wrong = replace(found, expect=replace(found.expect, verdict=Verdict.LANDED))
    assert not prove(load(locate("channel-file-291")), wrong).holds


def test_an_unexpected_change_is_told() -> None:
    """A file that goes away although the fixture names it nowhere is a problem."""
    sick = fixture("channel-file-291", "sick")
    silent = replace(sick, expect=replace(sick.expect, changed=()))
    told = [str(problem) for problem in prove(load(locate("channel-file-291")), silent).problems]
    assert any("was changed, and the fixture doesn't expect it" in problem for problem in told)


def test_verification_must_fail_on_the_sick_host() -> None:
    """A verify that holds before the remedy proves nothing, and the proof says so."""
    path = locate("channel-file-291")
    text = path.read_text(encoding="utf-8").replace("verify:\n  - file_absent:", "verify:\n  - file_present:")
    told = [str(problem) for problem in prove(loads(text, str(path)), fixture("channel-file-291", "sick")).problems]
    assert any("passes verification before the remedy, so verify proves nothing" in problem for problem in told)


def test_a_changed_script_asks_for_its_fixture() -> None:
    """A script is never run: the fixture tells its effect by the script's hash, and a new script has none."""
    path = locate("linux-previous-kernel")
    text = path.read_text(encoding="utf-8").replace("set -eu", "set -e")
    proof = prove(loads(text, str(path)), fixture("linux-previous-kernel", "sick"))
    assert proof.actual == "failed"
    assert "the fixture doesn't say what the script does" in str(proof.problems[0])


def test_a_wrong_fixture_is_told_whole(tmp_path: Path) -> None:
    """Every mistake of a fixture is told at its line, with what was meant."""
    path = tmp_path / "sick.yml"
    lines = [
        "title: x",
        "fils: []",
        "files:",
        "  - {path: 'C:\\x', hex: XYZ}",
        "  - {modified: x}",
        "expect:",
        "  verdict: good",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(Exception, match="did you mean 'files'") as caught:
        load_fixture(path)
    told = str(caught.value).replace(str(path), "sick.yml").splitlines()
    assert [line.split(": ")[0] for line in told] == ["sick.yml:2:7", "sick.yml:4:5", "sick.yml:5:5", "sick.yml:7:12"]


def test_the_order_of_a_host_names_no_template() -> None:
    """Nothing that reaches a host still holds Jinja."""
    for name in SHIPPED:
        playbook = load(locate(name))
        given = dict.fromkeys(playbook.required, "x")
        rendered = render(playbook, host=Host("h", "192.0.2.1", playbook.system), variables=given, campaign="c")
        assert "{{" not in as_yaml(rendered)


def test_the_cli_proves_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    """List, check and test put one JSON document on stdout and end with 0."""
    for command, count in (("list", 6), ("check", 1), ("test", 1)):
        files = [] if command == "list" else ["channel-file-291"]
        assert run(["playbook", command, "--json", *files]) == 0
        assert count == len(json.loads(capsys.readouterr().out)["playbooks"])


def test_the_cli_tells_bad_playbooks(capsys: pytest.CaptureFixture[str]) -> None:
    """A bad playbook ends with 2, one line per problem, file and line first."""
    path = DATA / "bad-nine-digits.yml"
    assert run(["playbook", "check", str(path)]) == 2
    assert f"unloop: {path}:8:13: 'C-000000291*.sys' matches nothing" in capsys.readouterr().err


def test_the_cli_renders_for_a_host(capsys: pytest.CaptureFixture[str]) -> None:
    """Render puts YAML that loads again on stdout, and refuses a value that is wrong once it is filled in."""
    assert run(["playbook", "render", "uninstall-update", "--host", "dc-1", "--set", "kb=5066835"]) == 0
    assert loads(capsys.readouterr().out, "x.yml").name == "uninstall-update"
    assert run(["playbook", "render", "uninstall-update", "--host", "dc-1", "--set", "kb=none"]) == 2
    assert "'none' is no update, such as KB" in capsys.readouterr().err


def test_a_playbook_without_fixtures_is_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing proves it: a warning, not an error; but test, which was to prove it, doesn't end with 0."""
    path = tmp_path / "mine.yml"
    path.write_text(
        "unloop: 1\nname: mine\ntitle: t\nsystem: linux\nactions: [reboot]\nverify: [boot_changed]\n", encoding="utf-8"
    )
    assert run(["playbook", "check", str(path)]) == 0
    assert "warning: " in capsys.readouterr().err
    assert run(["playbook", "test", str(path)]) == 1


def script(name: str) -> str:
    """The rendered script of a shipped playbook."""
    playbook = load(locate(name))
    rendered = render(playbook, host=Host("h", "192.0.2.1", playbook.system), variables={}, campaign="c")
    return next(str(step.options["script"]) for step in rendered.actions if step.verb == "run_script")


def test_the_shell_script_is_one() -> None:
    """A POSIX shell parses the script of linux-previous-kernel."""
    done = subprocess.run(
        ["sh", "-n", "-c", script("linux-previous-kernel")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_powershell_script_is_one() -> None:
    """The grammar of PowerShell parses the script of asr-shortcuts."""
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(script("asr-shortcuts").encode()).root_node.has_error
