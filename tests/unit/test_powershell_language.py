"""The language as Windows PowerShell 5.1 has it: what small programs put out on a simulated host."""

from typing import Any

import pytest

from simulated import machine_with
from unloop.rehearsal.powershell.shell import Outcome, run


def ran(program: str) -> Outcome:
    """A program on a host with nothing on it."""
    return run(machine_with({}), program, later=lambda _: None)


def output(program: str) -> list[Any]:
    """What a program puts out; it must come to its end without an error."""
    outcome = ran(program)
    assert (outcome.errors, outcome.code) == ((), 0)
    return list(outcome.output)


NUMBERS = [
    ("1 + 2 * 3", [7]),
    ("(1 + 2) * 3", [9]),
    ("7 / 2", [3.5]),
    ("8 / 2", [4]),
    ("-7 % 3", [-1]),
    ("2147483647 + 1", [2147483648.0]),
    ("(2147483647 + 1).GetType().Name", ["Double"]),
    ("(4294967296).GetType().Name", ["Int64"]),
    ("(-1 + 4294967296)", [4294967295]),
    ("(1.5).GetType().Name", ["Double"]),
    ("(1 + [long]1).GetType().Name", ["Int64"]),
    ("[int]2.5", [2]),
    ("[int]3.5", [4]),
    ("[int](5 / 2)", [2]),
    ("[int]'0x1F'", [31]),
    ("[int]' 12 '", [12]),
    ("[int]$null", [0]),
    ("[int][char]'A'", [65]),
    ("[long]'638569656000000000' + 1", [638569656000000001]),
    ("'5' + 1", ["51"]),
    ("5 + '1'", [6]),
    ("1KB", [1024]),
    ("$x = 5GB; $x", [5368709120]),
    ("0.1 + 0.2", [0.1 + 0.2]),
    ("[string](0.1 + 0.2)", ["0.3"]),
    ("[string]1e20", ["1E+20"]),
    ("$i = 1; $i += 2; $i *= 5; $i", [15]),
    ("$i = 1; $i++; ++$i; $i--; $i", [2]),
    ("$i = 5; ($i++); $i", [5, 6]),
    ("(255).ToString('x4')", ["00ff"]),
    ("'{0:D3}|{1,5}|{2,-4}|{3:x}' -f 7, 'a', 'b', 255", ["007|    a|b   |ff"]),
    ("5 -band 3; 5 -bor 3", [1, 7]),
]
TEXTS = [
    ('$a = 3; "a is $a and $($a + 1)"', ["a is 3 and 4"]),
    ("'no $a ''quoted'''", ["no $a 'quoted'"]),
    ('"tab`t nul`0 quote`" dollar`$ back``"', ['tab\t nul\0 quote" dollar$ back`']),
    ('"a""b"', ['a"b']),
    ('$r = [pscustomobject]@{ n = 1 }; "$r.n $($r.n)"', ["@{n=1}.n 1"]),
    ("@'\nit's $x\n'@", ["it's $x"]),
    ('$x = 1; @"\na "$x"\nb\n"@', ['a "1"\nb']),
    ('"$(1, 2, 3)"', ["1 2 3"]),
    ('"[$null]"', ["[]"]),
    ('"$true"', ["True"]),
    ("'ab' * 3", ["ababab"]),
    ("'Hello'.Length", [5]),
    ("'Hello'.Substring(1, 3)", ["ell"]),
    ("' x '.Trim() + '|'", ["x|"]),
    ("'a,b' -split ','", ["a", "b"]),
    ("'a', 'b' -join '+'", ["a+b"]),
    ("-join ('a', 'b')", ["ab"]),
    ("'AbC'.ToLowerInvariant()", ["abc"]),
    ("'\u0130\u00c9'.ToLowerInvariant()", ["\u0130\u00e9"]),
    ("'a-b-c'.Replace('-', '')", ["abc"]),
    ("'A1b2' -replace '[0-9]', '#'", ["A#b#"]),
    ("[string]::CompareOrdinal('a', 'B') -gt 0", [True]),
    ("'\U0001f600'.Length", [2]),
    ("'x\U0001f600'", ["x\U0001f600"]),
    ("[int]'\U0001f600'.ToCharArray()[0]", [0xD83D]),
    ("'abc'[0]; 'abc'[-1]", ["a", "c"]),
    ("$env:SystemRoot", ["C:\\Windows"]),
]
COMPARISONS = [
    ("'A' -eq 'a'; 'A' -ceq 'a'; 'A' -ne 'b'", [True, False, True]),
    ("1 -eq '1'; '1' -eq 1; 1 -eq 'x'", [True, True, False]),
    ("$null -eq 0; $null -eq $null; '' -eq $null", [False, True, False]),
    ("$null -lt 1; 2 -gt $null; $null -lt -1", [True, True, False]),
    ("$true -eq 'x'; 0 -eq $false", [True, True]),
    ("10 -gt 9; '10' -gt '9'; 10 -gt '9'", [True, False, True]),
    ("1, 2, 3, 2 -eq 2", [2, 2]),
    ("@(1, 2, 3 -gt 1).Count", [2]),
    ("1, 2 -contains 2; 3 -in 1, 2; 3 -notin 1, 2", [True, False, True]),
    ("'C-1.SYS' -like 'c-*.sys'; 'ab' -like 'a'; 'ab' -like 'a?'", [True, False, True]),
    ("'a[b]' -like 'a`[b`]'; 'ab' -like 'a[b]'; 'ac' -like 'a[!b]'", [True, True, False]),
    ("'a*b' -like 'a`*b'; 'axb' -like 'a`*b'", [True, False]),
    ("'a`b' -like 'a``b'", [True]),
    ("'' -like '*'; '' -like '?'", [True, False]),
    ("'abc' -match 'B'; 'abc' -cmatch 'B'; 'abc' -notmatch 'x'", [True, False, True]),
    ("'\u00e9' -match '[^\\x20-\\x7e]'; 'e' -match '[^\\x20-\\x7e]'", [True, False]),
    ("$true -and $false -or $true; -not 0; !'a'", [True, True, False]),
    ("$true -xor $true", [False]),
    ("$false -and (throw 'never')", [False]),
    ("[bool]'False'; [bool]''; [bool]@(); [bool]@(0); [bool]@(0, 0)", [True, False, False, False, True]),
    ("1 -is [int]; 'a' -is [string]; 'a' -isnot [int]", [True, True, True]),
]
ARRAYS = [
    ("@().Count; @(1).Count; @($null).Count; $null.Count", [0, 1, 1, 0]),
    ("function f { }; @(f).Count; $x = f; @($x).Count; $null -eq $x", [0, 0, True]),
    ("function f { 1 }; (f).GetType().Name", ["Int32"]),
    ("function f { 1; 2 }; (f).GetType().Name", ["Object[]"]),
    ("function f { return @() }; @(f).Count", [0]),
    ("function f { return ,@() }; @(f).Count; (f).Count", [1, 0]),
    ("function f { $null }; @(f).Count", [1]),
    ("$a = @(); $a += 1; $a += @(2, 3); $a -join ','", ["1,2,3"]),
    ("$a = $null; $a += 'x'; $a.GetType().Name", ["String"]),
    ("$a = 1, 2; $b = $a; $b += 3; $a.Count", [2]),
    ("$a = 1, 2; $b = $a; $b[0] = 9; $a[0]", [9]),
    ("@(@('a', 'b'), @('c', 'd'))[1][0]", ["c"]),
    ("@(1, 2, 3)[-1]; @(1, 2)[5]; 'end'", [3, None, "end"]),
    ("(1..4)[1, 3]", [2, 4]),
    ("1..3; 3..1", [1, 2, 3, 3, 2, 1]),
    ("(1, 2) + 3", [1, 2, 3]),
    ("$a, $b = 1, 2, 3; $a; $b.Count", [1, 2]),
    ("$r = @([pscustomobject]@{ n = 1 }, [pscustomobject]@{ n = 2 }); $r.n", [1, 2]),
    ("([string[]]@(1, 2)).GetType().Name", ["String[]"]),
    ("(New-Object -TypeName 'byte[]' -ArgumentList 3).Length", [3]),
    ("$x = [pscustomobject]@{ b = 1; a = 'x' }; $x.B; $x.b = 2; $x.b; $x.none", [1, 2, None]),
    ("([pscustomobject]@{ a = 1 }).Count; (5).Count; 'abc'.Count", [None, 1, 1]),
    ("$h = @{ A = 1 }; $h.a; $h['a']; $h.b = 2; $h.Count; $h.ContainsKey('B')", [1, 1, 2, True]),
]
FLOW = [
    ("if (0) { 'a' } elseif ('') { 'b' } else { 'c' }", ["c"]),
    ("foreach ($i in 1, 2, 3) { if ($i -eq 2) { continue }; $i }", [1, 3]),
    ("foreach ($i in 1, 2, 3) { if ($i -eq 2) { break }; $i }; 'after'", [1, "after"]),
    ("foreach ($i in $null) { 'never' }; foreach ($i in @()) { 'never' }; 'end'", ["end"]),
    ("$i = 0; while ($i -lt 3) { $i; $i += 1 }", [0, 1, 2]),
    ("$i = 0; do { $i; $i++ } until ($i -ge 2)", [0, 1]),
    ("for ($i = 0; $i -lt 2; $i++) { $i }", [0, 1]),
    ("$x = if (1) { 'yes' } else { 'no' }; $x", ["yes"]),
    ("function f($a, $b = 5) { $a + $b }; f 1; f 1 2; f -b 3 -a 4; f -a:1", [6, 3, 7, 6]),
    ("function f([int]$n) { $n.GetType().Name }; f '3'", ["Int32"]),
    ("function f { $args.Count }; f 1 2 3", [3]),
    ("function f { return 1; 2 }; f", [1]),
    ("function f { 'a'; return 'b' }; f", ["a", "b"]),
    ("function f { foreach ($i in 1, 2) { return $i } }; f", [1]),
    ("$x = 1; function f { $x = 2; $x }; f; $x", [2, 1]),
    ("function f { $x }; function g { $x = 7; f }; $x = 1; g", [7]),
    ("function f { $script:x = 2 }; $x = 1; f; $x", [2]),
    ("FUNCTION F { 'up' }; f", ["up"]),
    ("& { param($x) $x * 2 } 4", [8]),
    ("1, 2, 3 | ForEach-Object { $_ * 2 } | Where-Object { $_ -gt 2 }", [4, 6]),
    ("(1, 2, 3 | Measure-Object).Count", [3]),
    ("1, 2 | Select-Object -First 1", [1]),
    ("[void](1 + 1); $null = 5; $x = 3; 'only'", ["only"]),
    ("Write-Output 1, 2; Write-Output 'a' | Out-Null", [1, 2]),
    ("exit", []),
    ("'a'; return; 'b'", ["a"]),
    ("$a = 1 # a comment\n<# and\nanother #> $a", [1]),
    ("$x = 1 +\n2\n$x", [3]),
]


@pytest.mark.parametrize(
    ("program", "expected"), [*NUMBERS, *TEXTS, *COMPARISONS, *ARRAYS, *FLOW], ids=lambda each: str(each)[:60]
)
def test_programs_put_out_what_powershell_does(program: str, expected: list[Any]) -> None:
    """A documented rule of the language, and what it gives."""
    assert expected == output(program)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("1; 'a'; $true; $null; 1.5", "1\r\na\r\nTrue\r\n1.5\r\n"),
        ("Write-Host 'seen' 1; 'out'", "seen 1\r\nout\r\n"),
        ("function f { Write-Host 'first'; 'second' }; f", "first\r\nsecond\r\n"),
        ("[pscustomobject]@{ a = 1; b = 'x' }", "\r\na b\r\n- -\r\n1 x\r\n\r\n\r\n"),
        (
            "[pscustomobject]@{ a = 1; bb = 2; c = 3; d = 4; e = @(5, 6) }",
            "\r\n\r\na  : 1\r\nbb : 2\r\nc  : 3\r\nd  : 4\r\ne  : {5, 6}\r\n\r\n\r\n\r\n",
        ),
    ],
)
def test_console_shows_lines(program: str, text: str) -> None:
    """What is put out is printed line by line with the line ends of Windows; a record with its properties."""
    assert text == ran(program).text


def test_host_writes_are_no_output() -> None:
    """Write-Host is seen on a console and is no part of the result."""
    assert output("Write-Host 'seen'; 'result'") == ["result"]


def test_records_and_other_objects_come_out_plain() -> None:
    """A record becomes a dict, an array a list, an object of .NET its text."""
    assert output("[pscustomobject]@{ a = @(1, 'b'); c = [pscustomobject]@{ d = $null } }") == [
        {"a": [1, "b"], "c": {"d": None}}
    ]
    assert output("New-Object -TypeName System.DateTime -ArgumentList 638569656000000000, 'Utc'") == [
        "07/19/2024 06:00:00"
    ]


@pytest.mark.parametrize(("program", "code"), [("exit 3", 3), ("function f { exit 4 }; f; 'x'", 4), ("exit", 0)])
def test_exit_ends_the_program_with_its_code(program: str, code: int) -> None:
    """Exit ends the whole program, and that is no error."""
    outcome = ran(program)
    assert (outcome.code, outcome.output, outcome.had_errors) == (code, (), False)


def test_sleep_is_told_and_not_slept() -> None:
    """Nobody waits inside the interpreter; how long a program slept is told."""
    assert ran("Start-Sleep -Seconds 3; sleep -Milliseconds 500").waited == 3.5
