"""How commands get their arguments: by name, by place, and what they say when something is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from unloop.rehearsal.powershell.convert import text, truth
from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.syntax import ScriptBlock
from unloop.rehearsal.powershell.values import Value, fold

PREFERENCES = frozenset({"stop", "continue", "silentlycontinue", "ignore"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command; ``name`` is as it was written, ``-Name``, '' where there is none."""

    name: str
    value: Value = None
    has_value: bool = True


class Runner(Protocol):
    """What commands need of the interpreter."""

    session: Session

    def run_block(self, block: ScriptBlock, item: Value, out: list[Value]) -> None:
        """Run a block where its caller stands, with ``$_``."""

    def complain(self, failure: Failure, preference: str) -> None:
        """Write an error that does not end the command, or end it where the preference says so."""


@dataclass(slots=True)
class Call:
    """One call of a cmdlet. ``given`` are its parameters by their names in lowercase."""

    runner: Runner
    cmdlet: "Cmdlet"
    given: dict[str, Value]
    input: list[Value] | None
    out: list[Value]

    @property
    def session(self) -> Session:
        """Where it runs."""
        return self.runner.session

    def has(self, name: str) -> bool:
        """Whether a parameter was given; a switch, and not as false."""
        return name in self.given and (name not in self.cmdlet.switches or truth(self.given[name]))

    def text(self, name: str) -> str:
        """A parameter as a text, '' when it was not given."""
        return text(self.given.get(name))

    def fail(self, what: str, error_id: str, category: Category, target: Value = None, kind: str = "") -> None:
        """Tell of an error that is not the end."""
        where = f"{error_id},Microsoft.PowerShell.Commands.{self.cmdlet.class_name}"
        failure = Failure(what, where, category, target)
        failure.type_name = kind or failure.type_name
        self.runner.complain(failure, fold(self.text("erroraction")))


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """A cmdlet: what it does, its parameters in the order of their places, those by name alone, its switches."""

    name: str
    run: Callable[[Call], None]
    places: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    class_name: str = ""
    takes_rest: bool = False
    """The last place takes all that is left, as one array."""
    common: tuple[str, ...] = field(default=("erroraction",))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter."""
        return (*self.places, *self.named, *self.switches, *self.common)


def bind(cmdlet: Cmdlet, arguments: list[Argument]) -> dict[str, Value]:
    """The arguments by their parameters; raises NotUnderstood and Failure."""
    found: dict[str, Value] = {}
    waiting = ""
    rest: list[Value] = []
    for argument in arguments:
        if argument.name:
            if waiting:
                raise _missing(cmdlet, waiting)
            name = _parameter(cmdlet, argument.name)
            if argument.has_value or name in cmdlet.switches:
                found[name] = argument.value if argument.has_value else True
            else:
                waiting = name
        elif waiting:
            found[waiting], waiting = argument.value, ""
        else:
            rest.append(argument.value)
    if waiting:
        raise _missing(cmdlet, waiting)
    _place(cmdlet, found, rest)
    preference = fold(text(found.get("erroraction", "continue")))
    if preference not in PREFERENCES:
        raise NotUnderstood(f"-ErrorAction {preference[:40]}")
    return found


def _parameter(cmdlet: Cmdlet, written: str) -> str:
    """The parameter that a name means; it may be cut short where no other begins so."""
    name = {"-ea": "erroraction"}.get(fold(written), fold(written)[1:])
    if name in cmdlet.parameters:
        return name
    fitting = [parameter for parameter in cmdlet.parameters if parameter.startswith(name)]
    if len(fitting) != 1:
        raise NotUnderstood(f"the parameter {written} of {cmdlet.name}")
    return fitting[0]


def _missing(cmdlet: Cmdlet, name: str) -> Failure:
    what = f"Missing an argument for parameter '{name}'. Specify a parameter of type 'System.Object' and try again."
    return Failure(what, f"MissingArgument,{cmdlet.class_name}", Category.INVALID_ARGUMENT)


def _place(cmdlet: Cmdlet, found: dict[str, Value], rest: list[Value]) -> None:
    free = [name for name in cmdlet.places if name not in found]
    if cmdlet.takes_rest and rest and free:
        found[free[0]] = rest if len(rest) > 1 else rest[0]
        return
    if len(rest) > len(free):
        what = f"A positional parameter cannot be found that accepts argument '{text(rest[len(free)])}'."
        kind = "System.Management.Automation.ParameterBindingException"
        error_id = f"PositionalParameterNotFound,Microsoft.PowerShell.Commands.{cmdlet.class_name}"
        raise Failure(what, error_id, Category.INVALID_ARGUMENT, type_name=kind)
    found.update(zip(free, rest, strict=False))
