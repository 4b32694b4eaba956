"""The small cmd.exe of simulated Windows hosts says and does what the real one does, and knows what it does not know."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated import machine_with
from unloop.rehearsal.cmd.shell import Outcome, run, takes_input
from unloop.rehearsal.cmd.surroundings import Surroundings
from unloop.rehearsal.machine import Machine

TEMP = ("Windows", "Temp")


def machine() -> Machine:
    """A Windows host with two files and two services."""
    made = machine_with({(*TEMP, "a.txt"): b"hello", (*TEMP, "b c.sys"): bytes(40960)})
    made.state["services"] = {"WinRM": "running", "CSAgent": "stopped"}
    return made


def said(line: str, on: Machine | None = None, **around: str) -> Outcome:
    """What a line comes to; nothing may be restarted."""
    host = on or machine()
    surroundings = Surroundings({}, around.get("directory", ""), around.get("given", ""))
    return run(host, line, later=lambda _: pytest.fail("restarted"), around=surroundings)


def names(on: Machine) -> list[str]:
    """What is in the directory of the tests."""
    return [node.name for node in on.files.children(TEMP)]


@pytest.mark.parametrize(
    ("line", "output", "code"),
    [
        ("echo hi", "hi\r\n", 0),
        ("echo.", "\r\n", 0),
        ('echo "a & b" & echo c', '"a & b" \r\nc\r\n', 0),
        ("echo a ^& b", "a & b\r\n", 0),
        ("@echo %SystemRoot% %nothing%", "C:\\Windows %nothing%\r\n", 0),
        ("hostname && whoami", "ws-1\r\nws-1\\administrator\r\n", 0),
        ("exit /b 5 & echo never", "", 5),
        ("cmd /c exit 7 || echo failed", "failed\r\n", 0),
        ('cmd.exe /d /c "echo x & echo y"', "x \r\ny\r\n", 0),
        ("type C:\\Windows\\Temp\\a.txt", "hello", 0),
        ("if exist C:\\Windows\\Temp\\a.txt (echo yes) else (echo no)", "yes\r\n", 0),
        ("if not exist C:\\Windows\\Temp\\*.tmp echo none", "none\r\n", 0),
        ("if /i A==a echo same", "same\r\n", 0),
        ("dir /b C:\\Windows\\Temp\\*.sys", "b c.sys\r\n", 0),
        ("echo quiet> nul 2>&1", "", 0),
        ("ver", "\r\nMicrosoft Windows [Version 10.0.20348.2582]\r\n", 0),
        ('"C:\\Windows\\System32\\hostname.exe"', "ws-1\r\n", 0),
        ("rem nothing", "", 0),
    ],
)
def test_lines_that_do_what_they_say(line: str, output: str, code: int) -> None:
    """Builtins, programs in the path, and how commands are put together."""
    outcome = said(line)
    assert (outcome.output, outcome.errors, outcome.code) == (output, "", code)


@pytest.mark.parametrize(
    ("line", "errors", "code"),
    [
        (
            "foo bar",
            "'foo' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n",
            1,
        ),
        ("type C:\\none.txt", "The system cannot find the file specified.\r\n", 1),
        ("dir Q:\\", "The system cannot find the drive specified.\r\n", 1),
        ("ren C:\\none.txt x.txt", "The system cannot find the file specified.\r\n", 1),
        ("move C:\\none.txt C:\\Windows", "The system cannot find the file specified.\r\n", 1),
        ("del C:\\none.txt", "Could Not Find C:\\none.txt\r\n", 0),
        ("(echo x", "The syntax of the command is incorrect.\r\n", 1),
        ("echo a | more", "| was unexpected at this time.\r\n", 1),
        ("echo " + "x" * 9000, "The command line is too long.\r\n", 1),
        ("copy a b", "copy: this simulated host does not know this command\r\n", 1),
        ("shutdown /h", "shutdown: this simulated host does not know /h\r\n", 87),
        ("powershell", "powershell: this simulated host has no console\r\n", 1),
    ],
)
def test_lines_that_fail(line: str, errors: str, code: int) -> None:
    """Errors are cmd's own words; what is not simulated is said plainly."""
    outcome = said(line)
    assert (outcome.errors, outcome.code) == (errors, code)


def test_files_are_moved_renamed_and_deleted() -> None:
    """The tree of the machine changes, with quotes, patterns and the rules of names."""
    host = machine()
    assert said("ren C:\\Windows\\Temp\\A.TXT z.txt", host).code == 0
    assert said('del /f /q "C:\\Windows\\Temp\\b*.sys"', host).code == 0
    assert names(host) == ["z.txt"]
    assert (
        said("md C:\\q\\deep & move C:\\Windows\\Temp\\z.txt C:\\q\\deep", host).output
        == "        1 file(s) moved.\r\n"
    )
    assert (names(host), host.files.stat(("q", "deep", "z.txt")).content) == ([], b"hello")


def test_a_read_only_file_is_deleted_by_force_only() -> None:
    """DEL refuses it without /F, and says so without calling it an error."""
    host = machine()
    host.files.change((*TEMP, "a.txt"), modified=host.files.stat((*TEMP, "a.txt")).modified, read_only=True)
    refused = said("del C:\\Windows\\Temp\\a.txt", host)
    assert (refused.code, refused.errors) == (0, "C:\\Windows\\Temp\\a.txt\r\nAccess is denied.\r\n")
    said("del /f C:\\Windows\\Temp\\a.txt", host)
    assert names(host) == ["b c.sys"]


def test_nothing_is_overwritten_unasked() -> None:
    """MOVE asks before it overwrites, and nobody is there to say yes; /Y says it beforehand."""
    host = machine()
    assert said('move C:\\Windows\\Temp\\a.txt "C:\\Windows\\Temp\\b c.sys"', host).code == 1
    assert names(host) == ["a.txt", "b c.sys"]
    assert said('move /y C:\\Windows\\Temp\\a.txt "C:\\Windows\\Temp\\b c.sys"', host).code == 0
    assert host.files.stat((*TEMP, "b c.sys")).content == b"hello"


def test_output_goes_into_files() -> None:
    """Both streams go where they are sent, in one file too, and append where that is asked."""
    host = machine()
    said("(echo one & foo) > C:\\Windows\\Temp\\log.txt 2>&1 & echo two >> C:\\Windows\\Temp\\log.txt", host)
    text = host.files.stat((*TEMP, "log.txt")).content.decode()
    assert text.splitlines()[0] == "one "
    assert "'foo' is not recognized" in text
    assert text.endswith("two \r\n")


def test_the_safe_boot_flag_is_set_shown_and_cleared() -> None:
    """bcdedit changes what the next boot of the machine will be."""
    host = machine()
    assert said("bcdedit /set {default} safeboot network", host).output == "The operation completed successfully.\r\n"
    assert host.state["safe_boot"] == "network"
    assert "safeboot                Network\r\n" in said("bcdedit /enum {default}", host).output
    assert said("bcdedit.exe /deletevalue {current} safeboot", host).code == 0
    assert "safeboot" not in said("bcdedit /enum {default}", host).output
    assert said("bcdedit /deletevalue {default} safeboot", host).errors.endswith("Element not found.\r\n")


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("shutdown /r /t 0 /f", 0.0),
        ("shutdown.exe -r -t 5", 5.0),
        ("shutdown /r", 30.0),
        ("powershell -Command Start-Sleep 3 & shutdown /r /t 2", 5.0),
        ("powershell -Command Start-Sleep 3; shutdown.exe /r /t 2", 5.0),
    ],
)
def test_restarts_are_ordered(line: str, seconds: float) -> None:
    """shutdown /r restarts after its time, 30 seconds where none is given; what was slept before counts."""
    ordered: list[float] = []
    assert run(machine(), line, later=ordered.append).code == 0
    assert ordered == [seconds]


@pytest.mark.parametrize(
    ("name", "state", "code"), [("winrm", "4  RUNNING", 0), ("CSAGENT", "1  STOPPED", 0), ("x", "1060", 1060)]
)
def test_services_are_told(name: str, state: str, code: int) -> None:
    """sc query tells the state of a service, and its number where there is none."""
    outcome = said(f"sc query {name}")
    assert (state in outcome.output, outcome.code) == (True, code)


@pytest.mark.parametrize(
    "how", ["-EncodedCommand", "-enc", "-NoProfile -NonInteractive -ExecutionPolicy Unrestricted -ec"]
)
def test_powershell_runs_encoded_programs(how: str) -> None:
    """The program is UTF-16 in base64; what it prints is the output."""
    encoded = base64.b64encode("Write-Output 'hi'".encode("utf-16-le")).decode()
    assert said(f"powershell.exe {how} {encoded}").output == "hi\r\n"


def test_powershell_tells_errors_as_its_reader_wants_them() -> None:
    """Another PowerShell, which encodes its command, gets CLIXML; a person gets text."""
    encoded = base64.b64encode(b"".join(f"{part}\0".encode() for part in "Get-Nothing4711")).decode()
    assert said(f"powershell -EncodedCommand {encoded}").errors.startswith("#< CLIXML\r\n<Objs ")
    assert "Get-Nothing4711" in said("powershell -Command Get-Nothing4711").errors
    assert "CLIXML" not in said("powershell -Command Get-Nothing4711").errors


def test_powershell_reads_its_program_from_the_input() -> None:
    """``powershell -`` waits for the input to end, and runs it."""
    assert [takes_input(line) for line in ("powershell -", "powershell.exe -NoProfile -Command -", "echo -")] == [
        True,
        True,
        False,
    ]
    assert said("powershell -NoProfile -", given="Write-Output 'typed'").output == "typed\r\n"


def test_relative_paths_begin_where_the_shell_does() -> None:
    """In the directory that was asked for, else at the account's home."""
    assert said("type a.txt", directory="C:\\Windows\\Temp").output == "hello"
    assert said("type ..\\..\\Windows\\Temp\\a.txt").output == "hello"
    assert said("del x.txt").errors == "Could Not Find C:\\Users\\Administrator\\x.txt\r\n"


@given(st.text(max_size=80) | st.text(alphabet='()&|<>^"% /c=ifexstnolr.*?:\\', max_size=120))
def test_any_line_is_stood(line: str) -> None:
    """Whatever a client sends as a line ends with a code and some words."""
    outcome = run(machine(), line, later=lambda _: None)
    assert isinstance(outcome.code, int)


@pytest.mark.parametrize("line", ["(" * 3000, "if exist x " * 800, "cmd /c " * 1000, "&".join(["echo x"] * 1000)])
def test_lines_can_not_be_absurd(line: str) -> None:
    """Depth and number of commands are bounded."""
    assert isinstance(run(machine(), line, later=lambda _: None).code, int)
