"""Errors as Windows PowerShell 5.1 has them: what stops, what goes on, what a catch sees, and what is refused aloud."""

import pytest

from simulated import machine_with
from unloop.rehearsal.powershell.errors import Category
from unloop.rehearsal.powershell.shell import Outcome, run

MISSING = "[System.IO.File]::Open('C:\\x\\y', 'Open')"
PATH = "Could not find a part of the path 'C:\\x\\y'."


def ran(program: str) -> Outcome:
    """A program on a host with nothing on it but C:\\Windows."""
    return run(machine_with({("Windows", "x"): b""}), program, later=lambda _: None)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("try { throw 'why' } catch { $_.Exception.Message; $_.FullyQualifiedErrorId }", ("why", "why")),
        (f"try {{ {MISSING} }} catch [System.IO.DirectoryNotFoundException] {{ $_.Exception.Message }}", (PATH,)),
        (
            f"try {{ {MISSING} }} catch {{ $_.Exception.Message }}",
            (f'Exception calling "Open" with "2" argument(s): "{PATH}"',),
        ),
        (f"try {{ {MISSING} }} catch {{ $_.Exception.InnerException.Message }}", (PATH,)),
        (f"try {{ {MISSING} }} catch {{ $_.FullyQualifiedErrorId }}", ("DirectoryNotFoundException",)),
        (f"try {{ {MISSING} }} catch {{ $_.Exception.HResult }}", (-2146233087,)),
        (f"try {{ {MISSING} }} catch {{ $_.Exception.GetBaseException().HResult }}", (-2147024893,)),
        ("try { throw 'x' } catch { $_.Exception.GetBaseException().HResult }", (-2146233087,)),
        (f"try {{ {MISSING} }} catch [System.IO.FileNotFoundException] {{ 1 }} catch {{ 2 }}", (2,)),
        (f"try {{ {MISSING} }} catch [System.IO.IOException] {{ 1 }} catch {{ 2 }}", (1,)),
        (f"try {{ {MISSING} }} catch [IO.IOException], [System.FormatException] {{ 1 }}", (1,)),
        (f"try {{ {MISSING} }} catch [System.Management.Automation.MethodInvocationException] {{ 1 }}", (1,)),
        ("try { throw 'x' } catch [System.IO.IOException] { 1 } catch [System.Exception] { 2 }", (2,)),
        ("try { 1; throw 'x'; 2 } catch { 3 } finally { 4 }", (1, 3, 4)),
        ("try { try { throw 'x' } finally { 1 } } catch { 2 }", (1, 2)),
        ("try { try { throw 'x' } catch { throw } } catch { $_.Exception.Message }", ("x",)),
        ("try { try { throw 'x' } catch { throw $_ } } catch { $_.FullyQualifiedErrorId }", ("x",)),
        ("try { try { throw 'x' } catch { throw 'y' } } catch { $_.Exception.Message }", ("y",)),
        ("function f { throw 'x' }; try { f } catch { 1 }", (1,)),
        ("function f { try { return 1 } finally { 2 } }; f", (1, 2)),
        ("foreach ($i in 1, 2) { try { break } finally { $i } }", (1,)),
        ("try { $null.Close() } catch { $_.FullyQualifiedErrorId }", ("InvokeMethodOnNull",)),
        ("try { $null[0] } catch { $_.FullyQualifiedErrorId }", ("NullArray",)),
        ("try { [int]'x' } catch { $_.FullyQualifiedErrorId }", ("InvalidCastFromStringToInteger",)),
        ("try { [int]4294967296 } catch { $_.FullyQualifiedErrorId }", ("InvalidCastIConvertible",)),
        ("try { 1 / 0 } catch { $_.Exception.Message }", ("Attempted to divide by zero.",)),
        ("$r = [pscustomobject]@{ a = 1 }; try { $r.b = 1 } catch { $_.FullyQualifiedErrorId }", ("PropertyNotFound",)),
        ("try { 'ab'.Substring(3) } catch [System.ArgumentOutOfRangeException] { 1 }", (1,)),
        ("try { Get-Service none -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }",
         ("NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.GetServiceCommand",)),
        ("$ErrorActionPreference = 'Stop'; try { Get-Service none } catch { 'caught' }", ("caught",)),
        ("try { Get-Service none } catch { 'never' }; 'on'", ("on",)),
        ("Get-Service none -ErrorAction SilentlyContinue; 'on'", ("on",)),
    ],
    ids=lambda each: str(each)[:70],
)  # fmt: skip
def test_errors_are_caught_as_powershell_does(program: str, expected: tuple[object, ...]) -> None:
    """Typed catches see the exception that .NET threw, others the one around it; finally always runs."""
    assert expected == ran(program).output


def test_uncaught_error_of_a_method_does_not_end_the_program() -> None:
    """With the default preference the next statement runs, and the error is written down with its line."""
    outcome = ran(f"'a'\n{MISSING}\n'b'")
    assert (outcome.output, outcome.code, outcome.had_errors) == (("a", "b"), 0, False)
    (error,) = outcome.errors
    assert (error.error_id, error.line) == ("DirectoryNotFoundException", 2)


def test_stop_ends_the_program() -> None:
    """With Stop the first error is the end, in functions too."""
    outcome = ran(f"$ErrorActionPreference = 'Stop'\nfunction f {{\n{MISSING}\n'b'\n}}\n'a'\nf\n'c'")
    assert (outcome.output, outcome.code, outcome.had_errors) == (("a",), 1, True)
    assert [error.line for error in outcome.errors] == [3]


def test_error_in_a_function_goes_on_there() -> None:
    """The next statement is the next one of the function in which the error happened."""
    assert ran(f"function f {{ {MISSING}; 'b' }}; f; 'c'").output == ("b", "c")
    assert ran(f"function f {{ {MISSING}; 'b' }}; try {{ f }} catch {{ 'd' }}").output == ("d",)


def test_throw_ends_the_program() -> None:
    """A throw that nobody catches ends the program whatever the preference, and what was put out stays."""
    outcome = ran("'a'; function f { throw 'why' }; f; 'b'")
    assert (outcome.output, outcome.code, outcome.had_errors) == (("a",), 1, True)
    assert [(error.message, error.error_id, error.category) for error in outcome.errors] == [
        ("why", "why", Category.OPERATION_STOPPED)
    ]


def test_errors_of_cmdlets_are_written() -> None:
    """An error that is not the end carries its id, its category and its target."""
    (error,) = ran("Get-Service none").errors
    assert (error.message, error.category, error.target) == (
        "Cannot find any service with service name 'none'.",
        Category.OBJECT_NOT_FOUND,
        "none",
    )
    assert ran("Get-Service none 2>$null").errors == ()


@pytest.mark.parametrize(
    ("program", "what", "line"),
    [
        ("'a'\nswitch (1) { 1 { 2 } }", "switch statement", 2),
        ("'a'\n\nclass A { }", "class statement", 3),
        ("'a'; trap { }", "trap statement", 1),
        ("'a'\n$x = Get-Process", "Get-Process", 2),
        ("'a'\nfunction f {\n[System.Net.Dns]::GetHostName()\n}\nf", "System.Net.Dns", 3),
        ("'a'\n'b'.Normalize()", "Normalize", 2),
        ("'a'\n[System.IO.File]::AppendAllText('C:\\x', 'y')", "AppendAllText", 2),
        ("'a'; Get-ChildItem -Depth 1 C:\\", "-Depth", 1),
        ("'a'; $error.Count", "$error", 1),
        ("'a'; (Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory", "FreePhysicalMemory", 1),
        ("'a'; Get-CimInstance Win32_Fan", "Win32_Fan", 1),
        ("'a'; 'x' > C:\\y", "> C:\\y", 1),
        ("'a'; hostname 2>&1", "2>&1", 1),
        ("'a'; New-Object -ComObject WScript.Shell", "-ComObject", 1),
        ("'a'; 'x' -match '(a+)+$'", "(a+)+$", 1),
        ("'a'; 'a b' -lt 'c'", "a b", 1),
        ("'a'; bcdedit /export C:\\x", "bcdedit /export", 1),
        ("'a'; shutdown /s /t 0", "shutdown /s", 1),
        ("'a'; ConvertTo-Json 1", "-Compress", 1),
    ],
    ids=lambda each: str(each)[:60],
)  # fmt: skip
def test_what_is_outside_is_named_with_its_line(program: str, what: str, line: int) -> None:
    """What this interpreter does not do ends the program as an error that says what and where, and no catch hides it."""
    for whole in (program, f"try {{ {program}\n }} catch {{ 'hidden' }}"):
        outcome = ran(whole)
        assert (outcome.code, outcome.had_errors) == (1, True)
        assert "hidden" not in outcome.output
        (error,) = outcome.errors
        assert what in error.message
        assert (error.line, "simulated host" in error.message) == (line, True)


@pytest.mark.parametrize(
    ("program", "line"), [("'a'\nif (1) {", 2), ("'a'\n)", 2), ("'a'\n'b", 2), ("$x = 1 2", 1), ("f a,b", 1)]
)
def test_what_is_no_program_is_refused_whole(program: str, line: int) -> None:
    """A program that can't be read does nothing at all, and says where the reading stopped."""
    outcome = ran(program)
    assert (outcome.output, outcome.code) == ((), 1)
    assert [(error.category, error.line) for error in outcome.errors] == [(Category.PARSER_ERROR, line)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_count_from_the_start_of_the_program(end: str) -> None:
    """Data in front of a program counts too, whatever the line ends."""
    lines = ["$order = ConvertFrom-Json @'", '{"a":1}', "'@", "$order.a", "throw 'x'"]
    outcome = ran(end.join(lines))
    assert (outcome.output, [error.line for error in outcome.errors]) == ((1,), [5])


def test_data_may_be_part_of_a_longer_statement() -> None:
    """What follows the end of a here-string on its line belongs to it."""
    program = "$order = ConvertFrom-Json @'\n{\"a\":1}\n'@ | ForEach-Object { $_.a }\n$order\n'b'"
    assert ran(program).output == (1, "b")
