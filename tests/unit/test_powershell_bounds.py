"""Programs that mean no good end in an error that says so, whatever they are: never a hang, never an exception of ours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated import machine_with
from unloop.rehearsal.powershell.errors import Category
from unloop.rehearsal.powershell.shell import Outcome, run

FILES = {("Windows", "x"): b"y" * 2048}


def ran(program: str) -> Outcome:
    """A program on a host with one file."""
    return run(machine_with(FILES), program, later=lambda _: None)


HOSTILE = {
    "endless loop": "while ($true) { }",
    "endless loop in a catch": "while ($true) { try { throw 'x' } catch { } }",
    "endless recursion": "function f { f }; f",
    "recursion in a finally": "function f { try { f } finally { f } }; f",
    "mutual recursion": "function f { g }; function g { f }; f",
    "a text that doubles": "$x = 'ab'; while ($true) { $x += $x }",
    "a text that repeats": "'abc' * 2000000000",
    "a text that is replaced": "$x = 'a' * 1000000; $x.Replace('a', $x)",
    "a text that is padded": "'a'.PadLeft(2000000000)",
    "texts that are joined": "$x = 'a' * 1000000; (1..1000) -join $x",
    "an array that doubles": "$x = 1, 2; while ($true) { $x += $x }",
    "an array that is made": "New-Object -TypeName 'byte[]' -ArgumentList 2147483647",
    "a range": "1..2000000000",
    "arrays of arrays": "$a = 1; foreach ($i in 1..99) { $a = @($a, $a), @($a, $a) }; ConvertTo-Json $a -Compress -Depth 99",
    "arrays of arrays put out": "$a = 1; foreach ($i in 1..60) { $a = [pscustomobject]@{ a = $a; b = $a } }; $a",
    "a table in itself": "$h = @{}; $h.a = $h; $h.b = $h; ConvertTo-Json $h -Compress -Depth 100",
    "a record in itself as text": '$r = [pscustomobject]@{ a = 1; b = 1 }; $r.a = $r; $r.b = $r; "$r"',
    "much output": "foreach ($i in 1..100000) { 'a' * 1000 }",
    "many errors": "foreach ($i in 1..100000) { Get-Service none }",
    "much hashing": "$h = New-Object -TypeName 'System.Security.Cryptography.SHA256CryptoServiceProvider'\n"
    "$b = New-Object -TypeName 'byte[]' -ArgumentList 4000000; foreach ($i in 1..100000) { [void]$h.ComputeHash($b) }",
    "much reading": "foreach ($i in 1..1000000) { Get-Content C:\\Windows\\x }",
    "a pattern": "('a' * 5000) -match 'a*a*a*b'",
    "a pattern of choices": "('a' * 40) -match ('a?' * 40 + 'a' * 40)",
    "wildcards": "('a' * 1000000) -like ('*a' * 1000 + 'b')",
    "a huge number": "9" * 5000,
    "a huge format": "'{0:D999999999}' -f 1",
    "a long sleep": "Start-Sleep 1e300",
    "parentheses": "(" * 5000 + "1" + ")" * 5000,
    "subexpressions": "$(" * 3000 + "1" + ")" * 3000,
    "blocks": "if (1) {" * 2000 + "}" * 2000,
    "signs": "-not " * 20000 + "1",
    "a sum": "1" + " + 1" * 30000,
    "members": "$a" + ".b" * 30000,
    "garbage": "+|" * 30000,
    "more garbage": "]++-/+" * 10000,
    "braces": "${" * 30000,
    "increments": "++$a" * 15000,
    "quotes": '"$(' * 10000,
    "a program that is too long": "'a'\n" * 60000,
    "data that is too long": "$order = ConvertFrom-Json @'\n" + "a" * 9_000_000 + "\n'@\n1",
    "nested data": "ConvertFrom-Json '" + "[" * 500 + "]" * 500 + "'",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_program_ends_in_an_error(name: str) -> None:
    """Every limit is an error of the program, and ends it."""
    outcome = ran(HOSTILE[name])
    assert (outcome.code, outcome.had_errors, bool(outcome.errors)) == (1, True, True)


@pytest.mark.parametrize(
    "program",
    [
        "'{0,999999999}' -f 1",
        "$order = ConvertFrom-Json @'\n" + "[" * 100_000 + "\n'@\n'on'",
        "[char]99999",
        "[decimal]'1e999'",
    ],
)
def test_bad_values_are_errors_of_one_statement(program: str) -> None:
    """What a real host would refuse is refused as it does it: the error is written, and the program goes on."""
    outcome = ran(program)
    assert (outcome.code, len(outcome.errors)) == (0, 1)


@pytest.mark.parametrize("name", ["endless loop", "endless recursion", "a range", "a text that doubles"])
def test_no_catch_of_the_program_hides_a_limit(name: str) -> None:
    """A program can't go on after it has used up what it may."""
    outcome = ran(f"try {{ {HOSTILE[name]} }} catch {{ 'hidden' }} finally {{ 'never' }}")
    assert outcome.output == ()
    assert [error.category for error in outcome.errors] == [Category.LIMITS_EXCEEDED]


def test_long_honest_loops_are_carried_out() -> None:
    """Ten thousand rounds are no attack."""
    assert ran("$n = 0; foreach ($i in 1..10000) { $n += $i }; $n").output == (50005000,)


TOKENS = [
    "$x", "$x.y", "1", "'a'", '"b $x"', "+", "-", "*", "/", ",", "(", ")", "@(", "{", "}", "[0]", "[int]", "=", "+=", ";",
    "|", "if", "else", "foreach", "($i in $x)", "while ($x)", "function f($a)", "try", "catch", "finally", "return", "\n",
    "break", "f", "Get-Service", "Write-Output", "-Name", "-eq", "-like", "-match", "-join", "-not", "-and", "..", "$_",
    "@{", "a = 1", "[System.IO.File]::Open", "('C:\\x', 'Open')", ".Length", ".Trim()", "exit", "throw", "%", "2>$null",
    '"', "@'", "'@", "#", "<#", "&", "ConvertTo-Json", "-Compress", "\u00e9", "\U0001f600", "\0", "`", "'", "$true",
]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join))
def test_any_text_comes_to_an_end(program: str) -> None:
    """Words of the language in any order: an outcome, and an error where there is a code that is not 0."""
    outcome = ran(program)
    assert outcome.had_errors is (outcome.code == 1) or outcome.code not in {0, 1}
    assert not outcome.had_errors or outcome.errors


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_any_characters_come_to_an_end(program: str) -> None:
    """Any characters at all."""
    assert ran(program).waited == 0.0
