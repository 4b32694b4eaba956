"""Programs that unpack another one and run it, on the simulated host: what a command line of ours does."""

import base64
import zlib

import pytest

from simulated import machine_with
from unloop.rehearsal.powershell.shell import Outcome, run

UNPACK = (
    "$bytes = [System.IO.MemoryStream][Convert]::FromBase64String('{}')\n"
    "$mode = [System.IO.Compression.CompressionMode]'{}'\n"
    "$stream = New-Object -TypeName 'System.IO.Compression.DeflateStream' -ArgumentList $bytes, $mode\n"
    "$reader = New-Object -TypeName 'System.IO.StreamReader' -ArgumentList $stream\n"
    "$text = $reader.ReadToEnd()\n"
)


def packed(text: str) -> str:
    """Raw deflate in base64."""
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return base64.b64encode(squeezer.compress(text.encode()) + squeezer.flush()).decode()


def ran(program: str) -> Outcome:
    """What a program comes to."""
    return run(machine_with({}), program, later=lambda _: None)


@pytest.mark.parametrize("text", ["", "plain", "é 💾\r\n" * 3000])
def test_what_was_packed_comes_back(text: str) -> None:
    """Raw deflate, read as UTF-8; a second reading finds nothing more."""
    outcome = ran(f"{UNPACK.format(packed(text), 'Decompress')}$text\n$reader.ReadToEnd()")
    assert outcome.output == (text, "")


@pytest.mark.parametrize(
    ("data", "mode"),
    [(base64.b64encode(b"\xff\xff\xff").decode(), "Decompress"), (packed("x"), "Compress"), (packed("x"), "Squeeze")],
)
def test_what_can_not_be_unpacked_is_an_error(data: str, mode: str) -> None:
    """Garbage and other modes are errors; nothing is guessed."""
    assert ran(UNPACK.format(data, mode)).errors


def test_a_packed_bomb_is_not_unpacked() -> None:
    """A stream that grows beyond what a simulated host holds ends the program."""
    outcome = ran(UNPACK.format(packed("0" * 8_000_000), "Decompress"))
    assert [error.error_id for error in outcome.errors] == ["LimitsExceeded"]


def test_an_expression_runs_where_its_caller_stands() -> None:
    """It sees and sets the caller's variables and functions, puts out what it says, and its error can be caught."""
    program = (
        "$a = 1\nInvoke-Expression '$b = $a + 1; function Get-It() { return 5 }; $b'\n$b\nGet-It\n"
        "try { Invoke-Expression 'throw ''no''' } catch { $_.Exception.Message }\n"
        "try { Invoke-Expression 'if (' } catch { 'unreadable' }"
    )
    assert ran(program).output[:4] == (2, 2, 5, "no")
