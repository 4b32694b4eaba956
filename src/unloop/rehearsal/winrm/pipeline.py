"""A pipeline that a client sent, as the program that our interpreter runs ([MS-PSRP] 2.2.2.10)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psrpcore import Command, PowerShell


class Unsupported(Exception):
    """The pipeline holds what is not simulated; the message says what."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program's text, and whether its output is wanted as lines of text (Out-String)."""

    text: str
    as_text: bool = False


def program_of(pipeline: PowerShell) -> Program:
    """The program; raises Unsupported."""
    statements = list(_statements(pipeline.commands))
    if len(statements) == 1 and len(statements[0]) == 2 and _is(statements[0][1], "Out-String"):
        return Program(_statement(statements[0][:1]), as_text=True)
    return Program("\n".join(_statement(commands) for commands in statements))


def _statements(commands: Iterable[Command]) -> Iterable[list[Command]]:
    found: list[Command] = []
    for command in commands:
        found.append(command)
        if command.end_of_statement:
            yield found
            found = []
    if found:
        yield found


def _statement(commands: Sequence[Command]) -> str:
    if len(commands) == 1 and not commands[0].parameters and commands[0].is_script:
        return str(commands[0].command_text)
    if len(commands) == 1 and _is(commands[0], "Invoke-Expression"):
        expression = dict(commands[0].parameters).get("Command")
        if isinstance(expression, str):
            return str(expression)
    return " | ".join(_command(command) for command in commands)


def _is(command: Command, name: str) -> bool:
    return not command.is_script and command.command_text.lower() == name.lower()


def _command(command: Command) -> str:
    words = [f"& {{ {command.command_text} }}" if command.is_script else command.command_text]
    for name, value in command.parameters:
        if name:
            words.append(f"-{name.removeprefix('-')}")
        if not name or value is not None:
            words.append(literal(value))
    return " ".join(words)


def literal(value: Any) -> str:
    """A value as it is written in a program; raises Unsupported."""
    if isinstance(value, bool):
        return f"${str(value).lower()}"
    if value is None:
        return "$null"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return "'" + str(value).replace("'", "''") + "'"
    if isinstance(value, list):
        return f"@({', '.join(literal(item) for item in value)})"
    raise Unsupported(f"a parameter of type {type(value).__name__}")
