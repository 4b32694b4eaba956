"""Call what a program names: its functions and blocks, cmdlets, programs; and decide what an error in them means."""

from abc import abstractmethod

from unloop.rehearsal.powershell import programs
from unloop.rehearsal.powershell.cmdlets import cmdlet_of
from unloop.rehearsal.powershell.commands import PREFERENCES, Argument, Call, bind
from unloop.rehearsal.powershell.convert import text
from unloop.rehearsal.powershell.error_types import record_of
from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood, Return
from unloop.rehearsal.powershell.evaluate import Evaluator
from unloop.rehearsal.powershell.state import MOST_CALLS, Scope, limit
from unloop.rehearsal.powershell.syntax import Block, Command, Expression, Named, ScriptBlock
from unloop.rehearsal.powershell.types import cast, resolve
from unloop.rehearsal.powershell.values import NOTHING, Value, fold, size_of


class Caller(Evaluator):
    """Calls by name; what is called puts out to the list that it is given."""

    calls: int = 0
    """How many functions are in each other."""

    @abstractmethod
    def run(self, body: Block, out: list[Value]) -> None:
        """Every statement of a block."""

    def preference(self) -> str:
        """What ``$ErrorActionPreference`` says here, in lowercase."""
        scope = self.scope.find("erroractionpreference")
        preference = fold(text(scope.variables["erroractionpreference"])) if scope else "continue"
        if preference not in PREFERENCES:
            raise NotUnderstood(f"the error action {preference[:40]}")
        return preference

    def complain(self, failure: Failure, preference: str) -> None:
        """Write an error that does not end a command, or end it where the preference says so."""
        preference = preference or self.preference()
        if preference == "stop":
            raise failure
        if preference == "continue":
            self.session.report(record_of(failure))

    def command(self, node: Command, given: list[Value] | None, out: list[Value]) -> None:
        """Call a command with what comes down the pipeline, None where it is the first; some streams may be dropped."""
        errors, kept = self.session.errors, None
        if node.drops & {"2", "*"}:
            kept, self.session.errors = errors, []
        if node.drops & {"1", "*"}:
            out = []
        try:
            self._call(node, given, out)
        finally:
            if kept is not None:
                self.session.errors = kept

    def _call(self, node: Command, given: list[Value] | None, out: list[Value]) -> None:
        target = self.evaluate(node.name)
        arguments = [self._argument(element) for element in node.elements]
        if isinstance(target, ScriptBlock):
            self._call_block(target, arguments, given, out)
            return
        if node.operator == ".":
            raise NotUnderstood("a command in the scope of its caller", node.line)
        name = text(target)
        function = self.scope.function(fold(name))
        if function is not None:
            self._call_block(function, arguments, given, out)
            return
        cmdlet = cmdlet_of(name)
        if cmdlet is not None:
            self.session.budget.spend(sum(len(each.value) for each in arguments if isinstance(each.value, str)))
            before = len(out)
            cmdlet.run(Call(self, cmdlet, bind(cmdlet, arguments), given, out))
            self.session.budget.spend(sum(map(size_of, out[before:])))
            return
        self._call_program(name, arguments, out)

    def _argument(self, element: Expression | Named) -> Argument:
        if isinstance(element, Named):
            if element.value is None:
                return Argument(element.text, has_value=False)
            return Argument(element.text, self._given(element.value))
        return Argument("", self._given(element))

    def _given(self, node: Expression) -> Value:
        value = self.evaluate(node)
        return None if value is NOTHING else value

    def _call_program(self, name: str, arguments: list[Argument], out: list[Value]) -> None:
        """Start a program; what it writes to stderr is errors, as the host of a remote session makes them."""
        words = [word for argument in arguments for word in programs.words_of(argument)]
        ended = programs.start(self.session, name, words)
        self.session.root.variables["lastexitcode"] = ended.code
        out.extend(ended.lines)
        for line in ended.errors:
            kind = "System.Management.Automation.RemoteException"
            self.complain(Failure(line, "NativeCommandError", Category.NOT_SPECIFIED, line, kind), "")

    def _call_block(
        self, block: ScriptBlock, arguments: list[Argument], given: list[Value] | None, out: list[Value]
    ) -> None:
        if given:
            raise NotUnderstood("input of a pipeline for a function or a script block")
        if self.calls >= MOST_CALLS:
            raise limit("functions that call each other too deeply for a simulated host")
        caller = self.scope
        inner = Scope(parent=caller)
        self.calls += 1
        try:
            self._bind(block, arguments, inner)
            self.scope = inner
            self.run(block.body, out)
        except Return:
            pass
        finally:
            self.scope = caller
            self.calls -= 1

    def _bind(self, block: ScriptBlock, arguments: list[Argument], scope: Scope) -> None:
        """Parameters by name and by place; what is left is ``$args``."""
        names = [parameter.name for parameter in block.parameters]
        found: dict[str, Value] = {}
        rest: list[Value] = []
        waiting = ""
        for argument in arguments:
            name = fold(argument.name[1:])
            if argument.name and name not in names:
                raise NotUnderstood(f"the parameter {argument.name} of a function")
            if argument.name and argument.has_value:
                found[name] = argument.value
            elif argument.name:
                waiting = name
            elif waiting:
                found[waiting], waiting = argument.value, ""
            else:
                rest.append(argument.value)
        if waiting:
            raise NotUnderstood(f"the parameter -{waiting} of a function without a value")
        free = [name for name in names if name not in found]
        found.update(zip(free, rest, strict=False))
        scope.variables["args"] = rest[len(free) :]
        self.scope = scope
        for parameter in block.parameters:
            value = found.get(parameter.name)
            if parameter.name not in found and parameter.default is not None:
                value = self.evaluate(parameter.default)
            if parameter.type_name:
                kind = resolve(parameter.type_name)
                value = cast(self.session, value, kind)
                scope.types[parameter.name] = kind
            scope.variables[parameter.name] = value

    def run_block(self, block: ScriptBlock, item: Value, out: list[Value]) -> None:
        """Run a block where its caller stands, with ``$_``."""
        self.session.budget.spend()
        scope = self.scope
        before = scope.variables.get("_")
        scope.variables["_"] = item
        try:
            self.run(block.body, out)
        except Return:
            pass
        finally:
            scope.variables["_"] = before
