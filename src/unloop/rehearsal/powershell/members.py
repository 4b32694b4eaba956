"""What the objects of .NET show and do: tables of properties and methods, and how they are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from unloop.rehearsal.powershell.errors import Category, Failure, NetError, NotUnderstood
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.values import NOTHING, Value, size_of


@dataclass(frozen=True, slots=True)
class Method:
    """A method by its name as .NET writes it; ``counts`` are the numbers of arguments that it takes."""

    name: str
    call: Callable[..., Value]
    counts: tuple[int, ...]
    is_void: bool = False


@dataclass(frozen=True, slots=True)
class Members:
    """What a type has, by names in lowercase. Properties get the object, methods the session and the object."""

    properties: Mapping[str, Callable[[Value], Value]] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)


def methods(*found: Method) -> Mapping[str, Method]:
    """Methods by their names in lowercase."""
    return {method.name.lower(): method for method in found}


def invoke(
    session: Session, method: Method, target: Value, arguments: list[Value], *, is_static: bool = False
) -> Value:
    """Call a method; what .NET throws comes back as PowerShell wraps it."""
    if len(arguments) not in method.counts:
        what = f'Cannot find an overload for "{method.name}" and the argument count: "{len(arguments)}".'
        kind = "System.Management.Automation.MethodException"
        raise Failure(what, "MethodCountCouldNotFindBest", Category.NOT_SPECIFIED, type_name=kind)
    session.budget.spend(size_of(target) + sum(map(size_of, arguments)))
    try:
        found = method.call(session, *arguments) if is_static else method.call(session, target, *arguments)
    except NetError as error:
        raise wrapped(error, method.name, len(arguments)) from error
    session.budget.spend(size_of(found))
    return NOTHING if method.is_void else found


def wrapped(error: NetError, name: str, count: int) -> Failure:
    """MethodInvocationException around what a method threw."""
    what = f'Exception calling "{name}" with "{count}" argument(s): "{error.message}"'
    kind = "System.Management.Automation.MethodInvocationException"
    error_id = error.type_name.rpartition(".")[2]
    return Failure(what, error_id, Category.NOT_SPECIFIED, type_name=kind, inner=error)


def unknown_member(type_name: str, name: str) -> NotUnderstood:
    """A member that the type may well have, and this interpreter has not."""
    return NotUnderstood(f"the member {name} of {type_name}")
