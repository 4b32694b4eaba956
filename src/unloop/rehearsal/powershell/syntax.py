"""What a PowerShell program is made of, as the parser hands it on (PowerShell Language Specification 3.0, chapter 8)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, or a text as it stands."""

    value: object
    line: int


@dataclass(frozen=True, slots=True)
class Expandable:
    """A text with variables and subexpressions in it."""

    parts: "tuple[str | Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Variable:
    """``$name`` and ``$scope:name``, both in lowercase; ``scope`` is '' for none."""

    name: str
    scope: str
    line: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """``[name]``."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Member:
    """``target.name`` and ``target::name``."""

    target: "Expression"
    name: "Expression"
    is_static: bool
    line: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """``target.name(arguments)`` and ``target::name(arguments)``."""

    target: "Expression"
    name: "Expression"
    arguments: "tuple[Expression, ...]"
    is_static: bool
    line: int


@dataclass(frozen=True, slots=True)
class Index:
    """``target[index]``."""

    target: "Expression"
    index: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator in front of its operand."""

    operator: str
    operand: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between its operands."""

    operator: str
    left: "Expression"
    right: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Logical:
    """``-and``, ``-or`` and ``-xor``: the right side is looked at only where it counts."""

    operator: str
    left: "Expression"
    right: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class Cast:
    """``[type]operand``."""

    type_name: str
    operand: "Expression"
    line: int


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """``a, b`` and ``,a``."""

    items: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class ArrayExpression:
    """``@(...)``."""

    body: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class SubExpression:
    """``$(...)``."""

    body: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class Parenthesized:
    """``(...)``."""

    statement: "Statement"
    line: int


@dataclass(frozen=True, slots=True)
class HashLiteral:
    """``@{ key = value }``."""

    entries: "tuple[tuple[Expression, Statement], ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function; ``type_name`` is '' for any type."""

    name: str
    type_name: str
    default: "Expression | None"


@dataclass(frozen=True, slots=True)
class ScriptBlock:
    """``{ ... }`` as a value, and the body of a function."""

    parameters: tuple[Parameter, ...]
    body: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class Increment:
    """``++`` and ``--``, before or behind what they change."""

    target: "Expression"
    step: int
    is_prefix: bool
    line: int


Expression = (
    Constant
    | Expandable
    | Variable
    | TypeName
    | Member
    | Invoke
    | Index
    | Unary
    | Binary
    | Logical
    | Cast
    | ArrayOf
    | ArrayExpression
    | SubExpression
    | Parenthesized
    | HashLiteral
    | ScriptBlock
    | Increment
)


@dataclass(frozen=True, slots=True)
class Named:
    """``-Name`` in a command, perhaps with ``:value`` bound to it; ``text`` is as it was written."""

    text: str
    value: Expression | None
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its arguments; ``operator`` is '', '&' or '.'. ``drops`` are the streams that go to ``$null``."""

    operator: str
    name: Expression
    elements: tuple[Expression | Named, ...]
    drops: frozenset[str]
    line: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by ``|``; the first may be an expression."""

    elements: tuple[Expression | Command, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """``targets = value``; more than one target shares an array."""

    targets: tuple[Expression, ...]
    operator: str
    value: "Statement"
    line: int


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what follows from each, and what else."""

    branches: "tuple[tuple[Statement, Block], ...]"
    otherwise: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class While:
    """``while``, and ``do``, which looks at its condition afterwards; ``until`` wants it false."""

    condition: "Statement"
    body: "Block"
    is_do: bool
    is_until: bool
    line: int


@dataclass(frozen=True, slots=True)
class For:
    """``for (first; condition; step)``."""

    first: "Statement | None"
    condition: "Statement | None"
    step: "Statement | None"
    body: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class ForEach:
    """``foreach ($variable in values)``."""

    variable: Variable
    values: "Statement"
    body: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class Catch:
    """What to do about errors of these types; of any when there are none."""

    types: tuple[str, ...]
    body: "Block"


@dataclass(frozen=True, slots=True)
class Try:
    """``try``, ``catch``, ``finally``."""

    body: "Block"
    catches: tuple[Catch, ...]
    final: "Block"
    line: int


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """``function name(parameters) { ... }``."""

    name: str
    block: ScriptBlock
    line: int


@dataclass(frozen=True, slots=True)
class Flow:
    """``return``, ``throw``, ``exit``, ``break``, ``continue``."""

    keyword: str
    value: "Statement | None"
    line: int


Statement = Pipeline | Assignment | If | While | For | ForEach | Try | FunctionDefinition | Flow
Block = tuple[Statement, ...]
