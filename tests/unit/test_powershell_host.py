"""The host behind PowerShell: files, registry, services, events and programs, and the exceptions of .NET for them."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from simulated import MOMENT, machine_with
from unloop.playbook.fixture import Changes, FixtureFile, ScriptEffect
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.shell import Outcome, run

DIRECTORY = "C:\\Windows\\Temp"


def machine() -> Machine:
    """A host with a few files, one of them read-only."""
    made = machine_with(
        {("Windows", "Temp", "Bad.SYS"): b"\xaa\xbb\xcc", ("Windows", "Temp", "it's [1]"): b"x", ("pagefile.sys",): b""}
    )
    made.files.write(("Windows", "Temp", "locked"), b"old", modified=MOMENT, read_only=True)
    return made


def ran(program: str, on: Machine | None = None, *, safe: bool = False) -> Outcome:
    """A program on a host that is never restarted."""
    return run(on or machine(), program, later=lambda _: None, safe=safe)


def output(program: str, on: Machine | None = None) -> list[object]:
    """What a program puts out; it must come to its end without an error."""
    outcome = ran(program, on)
    assert (outcome.errors, outcome.code) == ((), 0)
    return list(outcome.output)


NO_PART, NO_FILE = "System.IO.DirectoryNotFoundException", "System.IO.FileNotFoundException"
DENIED, REFUSED, ILLEGAL = "System.UnauthorizedAccessException", "System.IO.IOException", "System.ArgumentException"
FILE = "[System.IO.File]"
TOO_LONG = (
    "The specified path, file name, or both are too long. The fully qualified file name must be less than 260 characters, "
    "and the directory name must be less than 248 characters."
)
OPEN = f"{FILE}::Open"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (f"{OPEN}('C:\\no\\x', 'Open')", NO_PART, "Could not find a part of the path 'C:\\no\\x'."),
        (f"{OPEN}('D:\\x', 'Open')", NO_PART, "Could not find a part of the path 'D:\\x'."),
        (f"{OPEN}('C:\\Windows\\no', 'Open')", NO_FILE, "Could not find file 'C:\\Windows\\no'."),
        (f"{OPEN}('C:\\Windows', 'Open')", DENIED, "Access to the path 'C:\\Windows' is denied."),
        (f"{OPEN}('c:/windows/temp/LOCKED', 'Open')", DENIED, "Access to the path 'c:\\windows\\temp\\LOCKED' is denied."),
        (f"{OPEN}('{DIRECTORY}\\bad.sys', 'CreateNew', 'Write', 'None')", REFUSED,
         f"The file '{DIRECTORY}\\bad.sys' already exists."),
        (f"{OPEN}('C:\\pagefile.sys', 'Open', 'Read', 'ReadWrite, Delete')", REFUSED,
         "The process cannot access the file 'C:\\pagefile.sys' because it is being used by another process."),
        (f"{OPEN}('C:\\' + 'x' * 257, 'Open')", "System.IO.PathTooLongException",
         TOO_LONG),
        (f"{OPEN}('C:\\a?b', 'Open')", ILLEGAL, "Illegal characters in path."),
        (f"{OPEN}('', 'Open')", ILLEGAL, "The path is not of a legal form."),
        (f"{OPEN}('C:\\a:b', 'Open')", "System.NotSupportedException", "The given path's format is not supported."),
        (f"{FILE}::Move('C:\\no\\x', 'C:\\y')", NO_FILE, "Could not find file 'C:\\no\\x'."),
        (f"{FILE}::Move('{DIRECTORY}\\bad.sys', 'C:\\no\\y')", NO_PART, "Could not find a part of the path."),
        (f"{FILE}::Move('{DIRECTORY}\\bad.sys', '{DIRECTORY}\\locked')", REFUSED,
         "Cannot create a file when that file already exists.\r\n"),
        (f"{FILE}::Delete('C:\\no\\x')", NO_PART, "Could not find a part of the path 'C:\\no\\x'."),
        (f"{FILE}::Delete('{DIRECTORY}\\locked')", DENIED, f"Access to the path '{DIRECTORY}\\locked' is denied."),
        (f"{FILE}::Delete('C:\\Windows')", DENIED, "Access to the path 'C:\\Windows' is denied."),
        (f"{FILE}::SetAttributes('{DIRECTORY}\\no', 'Normal')", NO_FILE, f"Could not find file '{DIRECTORY}\\no'."),
        ("[System.IO.Directory]::CreateDirectory('C:\\pagefile.sys')", REFUSED,
         'Cannot create "C:\\pagefile.sys" because a file or directory with the same name already exists.'),
        ("[System.IO.Directory]::CreateDirectory('C:\\pagefile.sys\\x')", NO_PART,
         "Could not find a part of the path 'C:\\pagefile.sys\\x'."),
        ("([System.IO.DirectoryInfo]'C:\\no').GetFiles()", NO_PART, "Could not find a part of the path 'C:\\no'."),
        ("([System.IO.DirectoryInfo]'C:\\pagefile.sys').GetFiles()", REFUSED, "The directory name is invalid.\r\n"),
        ("[Convert]::FromBase64String('abc')", "System.FormatException",
         "Invalid length for a Base-64 char array or string."),
    ],
    ids=lambda each: str(each)[:70],
)  # fmt: skip
def test_dotnet_throws_what_it_throws_on_windows(call: str, kind: str, message: str) -> None:
    """The type decides which catch takes it; the message is what a person reads in the report."""
    assert output(f"try {{ {call} }} catch [{kind}] {{ $_.Exception.Message }}") == [message]


def test_listing_tells_names_sizes_and_times() -> None:
    """Names are as they were made, paths as they were asked for; times are ticks since the year 1."""
    program = (
        "foreach ($f in ([System.IO.DirectoryInfo]'c:\\windows\\TEMP').GetFiles()) { $f.Name, $f.FullName, $f.Length }"
    )
    found = output(program)
    assert found[:3] == ["Bad.SYS", "c:\\windows\\TEMP\\Bad.SYS", 3]
    assert found[3::3] == ["it's [1]", "locked"]
    ticks = (MOMENT - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    program = f"(([System.IO.DirectoryInfo]'{DIRECTORY}').GetFiles()[0]).LastWriteTimeUtc"
    assert output(f"$t = {program}; $t.Ticks; $t.ToString('o')") == [ticks, "2024-07-19T04:30:00.0000000Z"]


def test_streams_read_write_and_close() -> None:
    """A new file is written through its stream; a closed stream is closed; nobody else gets in meanwhile."""
    host = machine()
    program = f"""
    $s = {OPEN}('{DIRECTORY}\\new', 'CreateNew', 'Write', 'None')
    $b = [Convert]::FromBase64String('aGVsbG8=')
    $s.Write($b, 0, $b.Length)
    try {{ {FILE}::Delete('{DIRECTORY}\\new') }} catch [System.IO.IOException] {{ 'in use' }}
    $s.Flush($true)
    $s.Close()
    try {{ $s.Flush($true) }} catch [System.ObjectDisposedException] {{ 'closed' }}
    $r = {OPEN}('{DIRECTORY}\\NEW', 'Open', 'Read', 'ReadWrite, Delete')
    $buffer = New-Object -TypeName 'byte[]' -ArgumentList 3
    $r.Read($buffer, 0, 3)
    [BitConverter]::ToString($buffer, 0, 3)
    $h = New-Object -TypeName 'System.Security.Cryptography.SHA256CryptoServiceProvider'
    [BitConverter]::ToString($h.ComputeHash($r), 0, 32).Replace('-', '').ToLowerInvariant()
    """
    rest = hashlib.sha256(b"lo").hexdigest()
    assert output(program, host) == ["in use", "closed", 3, "68-65-6C", rest]
    assert host.files.stat(("Windows", "Temp", "new")).content == b"hello"


def test_files_move_and_go() -> None:
    """Moves keep content and time, protection goes with SetAttributes, a file that is not there may be deleted."""
    host = machine()
    output(
        f"""
        [void][System.IO.Directory]::CreateDirectory('C:\\q\\1')
        {FILE}::Move('{DIRECTORY}\\BAD.sys', 'C:\\q\\1\\x.q')
        {FILE}::SetAttributes('{DIRECTORY}\\locked', 'Normal')
        {FILE}::Delete('{DIRECTORY}\\locked')
        {FILE}::Delete('{DIRECTORY}\\locked')
        """,
        host,
    )
    assert host.files.stat(("q", "1", "x.q")).modified == MOMENT
    assert [node.name for node in host.files.children(("Windows", "Temp"))] == ["it's [1]"]


REGISTRY = "[Microsoft.Win32.Registry]::LocalMachine"


def test_registry_keeps_kinds_and_finds_without_case() -> None:
    """Numbers have a sign in .NET and none in the host's state; the current control set is the first."""
    host = machine()
    host.state["registry"] = {"HKLM\\SYSTEM\\ControlSet001\\Services\\bad\\Start": 4294967295}
    program = f"""
    $k = {REGISTRY}.OpenSubKey('system\\CurrentControlSet\\services\\BAD')
    $k.GetValue('start', $null, 'DoNotExpandEnvironmentNames'); $k.GetValueKind('start').ToString()
    $w = {REGISTRY}.CreateSubKey('SOFTWARE\\New')
    $w.SetValue('q', [long]-1, 'QWord'); $w.SetValue('m', [string[]]@('a', 'b'), 'MultiString')
    $w.SetValue('e', '%SystemRoot%\\x', 'ExpandString'); $w.Flush()
    $w.GetValueKind('Q').ToString(); $w.GetValue('q'); $w.GetValue('M') -join '+'
    $w.GetValue('e'); $w.GetValue('e', $null, 'DoNotExpandEnvironmentNames'); $w.Close()
    $null -eq {REGISTRY}.OpenSubKey('SOFTWARE\\Nowhere'); $null -eq $k.GetValue('none')
    """
    expected = [-1, "DWord", "QWord", -1, "a+b", "C:\\Windows\\x", "%SystemRoot%\\x", True, True]
    assert output(program, host) == expected
    assert host.state["registry"]["HKLM\\SOFTWARE\\New\\q"] == (1 << 64) - 1
    assert host.state["registry"]["HKLM\\SOFTWARE\\New\\m"] == ("a", "b")


def test_registry_lists_its_keys() -> None:
    """Every control set is listed, and the current one beside them; installed updates are packages."""
    host = machine()
    host.state["registry"] = {"HKLM\\SYSTEM\\ControlSet002\\Services\\bad\\Start": 0}
    host.state["updates"] = {"KB5000001"}
    names = output(f"{REGISTRY}.OpenSubKey('SYSTEM').GetSubKeyNames()", host)
    assert names == ["ControlSet001", "ControlSet002", "CurrentControlSet", "Select", "Setup"]
    packages = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\Packages"
    (name,) = output(f"{REGISTRY}.OpenSubKey('{packages}').GetSubKeyNames()", host)
    assert str(name).startswith("Package_for_KB5000001~")
    assert output(f"{REGISTRY}.OpenSubKey('{packages}\\{name}').GetValue('CurrentState')", host) == [112]


def test_registry_key_that_is_read_only_is_not_written() -> None:
    """A key that was opened to read refuses values."""
    call = f"{REGISTRY}.OpenSubKey('SYSTEM').SetValue('x', 1, 'DWord')"
    assert output(f"try {{ {call} }} catch [{DENIED}] {{ $_.Exception.Message }}") == [
        "Cannot write to the registry key."
    ]


def test_services_and_their_state() -> None:
    """A running service runs, and in safe mode none does."""
    host = machine()
    host.state["services"] = {"Sensor": "running", "Spooler": "stopped"}
    assert output("(Get-Service -Name sensor).Status -eq 'Running'", host) == [True]
    assert output("Get-Service -Name S* | ForEach-Object { $_.Name + $_.Status }", host) == [
        "SensorRunning",
        "SpoolerStopped",
    ]
    assert ran("(Get-Service Sensor).Status.ToString()", host, safe=True).output == ("Stopped",)


def test_crashes_are_events() -> None:
    """Every bugcheck since a time is one event; none is an error with a name of its own."""
    host = machine()
    now = datetime.now(UTC)
    host.bugchecks = [now - timedelta(hours=2), now - timedelta(minutes=1)]
    query = "@{ LogName = 'System'; Id = 1001; StartTime = [DateTime]::UtcNow.AddSeconds(-600) }"
    program = f"foreach ($e in @(Get-WinEvent -FilterHashtable {query} -ErrorAction Stop)) {{ $e.ProviderName }}"
    assert output(program, host) == ["Microsoft-Windows-WER-SystemErrorReporting"]
    host.bugchecks = []
    program = f"try {{ {program} }} catch {{ $_.FullyQualifiedErrorId -like 'NoMatchingEventsFound*' }}"
    assert output(program, host) == [True]


def test_system_tells_boot_and_updates() -> None:
    """The time of the boot is that of the machine, and updates are listed by their numbers."""
    host = machine()
    host.boot_time = MOMENT
    host.state["updates"] = {"KB2", "KB1"}
    boot = "(Get-CimInstance -ClassName 'Win32_OperatingSystem').LastBootUpTime.ToUniversalTime().ToString('o')"
    assert output(boot, host) == ["2024-07-19T04:30:00.0000000Z"]
    assert output("(Get-CimInstance Win32_QuickFixEngineering).HotFixID", host) == ["KB1", "KB2"]


def test_safe_boot_is_set_read_and_cleared() -> None:
    """The flag of the boot entry is the machine's; clearing what is not there fails."""
    host = machine()
    assert output("& bcdedit.exe /set '{default}' safeboot network; $LASTEXITCODE", host)[-1] == 0
    assert host.state["safe_boot"] == "network"
    assert "safeboot                Network" in output("bcdedit /enum '{current}'", host)
    assert output(
        "$x = bcdedit /deletevalue '{current}' safeboot; $y = bcdedit /deletevalue safeboot; $LASTEXITCODE", host
    ) == [1]
    assert host.state["safe_boot"] == ""


def test_packages_come_off() -> None:
    """DISM takes off the package of an update and asks for a restart; one that is not there is refused."""
    host = machine()
    host.state["updates"] = {"KB5000001"}
    name = "Package_for_KB5000001~31bf3856ad364e35~amd64~~10.0.1.1"
    program = f"dism.exe /online /remove-package /packagename:{name} /quiet /norestart; $LASTEXITCODE"
    assert [output(program, host), output(program, host)] == [[3010], [-2146498555]]
    assert host.state["updates"] == set()
    assert output("wusa.exe /uninstall /kb:5000001 /quiet /norestart; $LASTEXITCODE", host) == [5]


def test_restart_comes_later() -> None:
    """The time of a restart counts from the start of the program, sleeps included."""
    told: list[float] = []
    run(machine(), "Start-Sleep 2; shutdown.exe /r /t 5 /f /d p:4:1; $LASTEXITCODE", later=told.append)
    assert told == [7.0]


def effect(script: str, **more: object) -> dict[str, ScriptEffect]:
    """What a fixture says of a script."""
    digest = hashlib.sha256(script.encode()).hexdigest()
    changes = Changes(files=(FixtureFile("C:\\ran", MOMENT, b"x"),))
    return {digest: ScriptEffect(digest, changes=changes, **more)}  # type: ignore[arg-type]


def test_script_of_a_playbook_has_the_effect_that_its_fixture_tells() -> None:
    """A script is never run: what the fixture says of its hash happens."""
    host, script = machine(), "throw 'never'"
    host.state["scripts"] = effect(script, stdout="one\nunloop-changed\n", exit_code=4)
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    program = f"& powershell.exe -NoProfile -NonInteractive -InputFormat None -EncodedCommand {encoded}; $LASTEXITCODE"
    assert output(program, host) == ["one", "unloop-changed", 4]
    assert host.files.exists(("ran",))


@pytest.mark.parametrize("script", ["echo a\necho b", "echo a\necho b\n", "echo a\r\necho b\r\n"])
def test_cmd_script_is_known_whatever_its_line_ends(script: str) -> None:
    """A cmd script is sent with the line ends of Windows, and its fixture knows it as it stands in the playbook."""
    host = machine()
    host.state["scripts"] = effect(script, stdout="unloop-already\n")
    sent = "\r\n".join(script.splitlines()) + "\r\n"
    host.files.write(("Windows", "Temp", "s.cmd"), sent.encode(), modified=MOMENT)
    assert output(f"cmd.exe /d /c {DIRECTORY}\\s.cmd", host) == ["unloop-already"]


def test_script_without_fixture_fails_and_says_so() -> None:
    """What nobody described can't be simulated: exit code 1, and a line that says which script."""
    encoded = base64.b64encode("hostname".encode("utf-16-le")).decode()
    digest = hashlib.sha256(b"hostname").hexdigest()
    line, code = output(f"powershell -NoProfile -EncodedCommand {encoded}; $LASTEXITCODE")
    assert (str(line).count(digest), code) == (1, 1)


def test_errors_of_programs_are_errors_of_the_session() -> None:
    """Over remoting what a program writes to stderr is an error: written with Continue, the end with Stop."""
    program = "powershell -EncodedCommand '?'"
    assert [error.error_id for error in ran(f"{program}; 'on'").errors] == ["NativeCommandError"]
    assert ran(f"{program} 2>$null; 'on'").errors == ()
    assert ran(f"$ErrorActionPreference = 'Stop'; {program} 2>$null; 'on'").output == ()


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("hostname", ["ws-1"]),
        ("C:\\Windows\\System32\\whoami.exe", ["ws-1\\administrator"]),
        (f"Test-Path {DIRECTORY}\\bad.sys; Test-Path C:\\no; Test-Path {DIRECTORY} -PathType Leaf", [True, False, False]),
        (f"(Get-ChildItem {DIRECTORY}\\*.sys).Name", ["Bad.SYS"]),
        (f"Get-ChildItem {DIRECTORY} -Name", ["Bad.SYS", "it's [1]", "locked"]),
        ("Get-ChildItem C:\\ -Recurse -Filter *.sys | ForEach-Object { $_.FullName }",
         ["C:\\pagefile.sys", "C:\\Windows\\Temp\\Bad.SYS"]),
        (f"Get-Content -LiteralPath \"{DIRECTORY}\\it's [1]\"", ["x"]),
        (f"(Get-FileHash {DIRECTORY}\\locked).Hash", [hashlib.sha256(b"old").hexdigest().upper()]),
        (f"Remove-Item {DIRECTORY}\\locked -Force; Rename-Item {DIRECTORY}\\Bad.SYS Bad.bak; (dir {DIRECTORY}).Name",
         ["Bad.bak", "it's [1]"]),
        ("$PSVersionTable.PSVersion.Major; $PSVersionTable.PSEdition", [5, "Desktop"]),
        ("[Environment]::MachineName; $env:COMPUTERNAME", ["WS-1", "WS-1"]),
    ],
    ids=lambda each: str(each)[:60],
)  # fmt: skip
def test_a_person_can_look_round(program: str, expected: list[object]) -> None:
    """The few things that people type when they try a host."""
    assert output(program) == expected


@pytest.mark.parametrize(
    ("program", "error_id"),
    [
        ("Get-Content C:\\no", "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand"),
        ("Remove-Item C:\\no", "PathNotFound,Microsoft.PowerShell.Commands.RemoveItemCommand"),
        (f"Remove-Item {DIRECTORY}\\locked",
         "RemoveFileSystemItemUnAuthorizedAccess,Microsoft.PowerShell.Commands.RemoveItemCommand"),
        (f"Rename-Item {DIRECTORY}\\locked bad.sys", "RenameItemIOError,Microsoft.PowerShell.Commands.RenameItemCommand"),
    ],
)  # fmt: skip
def test_cmdlets_for_files_tell_what_is_wrong(program: str, error_id: str) -> None:
    """An error that is not the end, by its own id; nothing changes."""
    host = machine()
    assert [error.error_id for error in ran(program, host).errors] == [error_id]
    assert len(host.files.children(("Windows", "Temp"))) == 3


def test_listing_is_shown_as_windows_shows_it() -> None:
    """Directory, mode, time, length and name."""
    assert ran(f"dir {DIRECTORY}\\*.sys").text == (
        "\r\n\r\n    Directory: C:\\Windows\\Temp\r\n\r\n\r\n"
        "Mode                LastWriteTime         Length Name\r\n"
        "----                -------------         ------ ----\r\n"
        "-a----        7/19/2024   4:30 AM              3 Bad.SYS\r\n\r\n\r\n"
    )


JSON = [
    ("[pscustomobject]@{ a = 1; b = 'x'; c = $null; d = $true; e = @() }", '{"a":1,"b":"x","c":null,"d":true,"e":[]}'),
    ("\"it's <b> & `\"q`\" \\ / `t`n\"", '"it\\u0027s \\u003cb\\u003e \\u0026 \\"q\\" \\\\ / \\t\\n"'),
    ("'\u00e9\x7f\u0085\u2028'", '"\u00e9\x7f\\u0085\\u2028"'),
    ("@(1)", "[1]"),
    ("@(@(1, 2), @(), $null)", "[[1,2],[],null]"),
    ("638569656000000000", "638569656000000000"),
    ("1.5", "1.5"),
    ("@{ a = 1 }", '{"a":1}'),
    ("[pscustomobject]@{ a = [pscustomobject]@{ b = [pscustomobject]@{ c = [pscustomobject]@{ d = 1 } } } }",
     '{"a":{"b":{"c":"@{d=1}"}}}'),
    ("[pscustomobject]@{ a = @(@(@(1, 2))), 3 }", '{"a":[[1,2],3]}'),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), JSON, ids=lambda each: str(each)[:50])
def test_json_is_written_as_5_1_writes_it(value: str, expected: str) -> None:
    """JavaScriptSerializer escapes apostrophes and angle brackets; what is too deep becomes a text."""
    assert output(f"ConvertTo-Json -InputObject ({value}) -Compress") == [expected]


def test_json_numbers_with_exponents_are_doubles() -> None:
    """However large or small they are, none costs more than another."""
    document = "[1.5, 1e5, 1e-99999999, 0.10]"
    assert output(f"ConvertTo-Json (ConvertFrom-Json '{document}') -Compress") == ["[1.5,100000,0,0.10]"]
    assert len(ran("ConvertFrom-Json '[1e99999999]'").errors) == 1


def test_json_is_read_with_the_types_of_5_1() -> None:
    """Whole numbers are Int32 or Int64, others Decimal; an array stays one object."""
    program = """
    $j = ConvertFrom-Json '{"a":1,"b":638569656000000000,"c":300.0,"d":[],"e":null,"f":"\\u0027\\ud83d\\ude00"}'
    $j.a.GetType().Name, $j.b.GetType().Name, $j.c.GetType().Name, @($j.d).Count, ($null -eq $j.e), $j.f
    -1 * $j.c; $j.b + 1; @(ConvertFrom-Json '[1, 2]').Count
    """
    expected = ["Int32", "Int64", "Decimal", 0, True, "'\U0001f600", -300.0, 638569656000000001, 1]
    assert output(program) == expected
