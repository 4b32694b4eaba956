"""Carry out the statements of a program, its functions and its commands."""

from collections.abc import Callable, Mapping

from unloop.rehearsal.powershell.calls import Caller
from unloop.rehearsal.powershell.convert import is_null, items_of, text, to_int, truth
from unloop.rehearsal.powershell.error_types import ErrorObject, ExceptionObject, caught, record_of
from unloop.rehearsal.powershell.errors import (
    Category,
    Exit,
    Failure,
    GoOn,
    Leave,
    NotUnderstood,
    Return,
    is_kind,
)
from unloop.rehearsal.powershell.evaluate import collapsed, is_silent
from unloop.rehearsal.powershell.state import Session
from unloop.rehearsal.powershell.syntax import (
    Assignment,
    Block,
    Catch,
    Command,
    Flow,
    For,
    ForEach,
    FunctionDefinition,
    If,
    Pipeline,
    Statement,
    Try,
    While,
)
from unloop.rehearsal.powershell.types import resolve
from unloop.rehearsal.powershell.values import NOTHING, Array, Value

_THROWN = (Failure, Return, Leave, GoOn, Exit)


class Interpreter(Caller):
    """Runs a program; what it puts out goes to lists that are handed down."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tries = 0
        self._handled: list[Failure] = []
        self._statements: Mapping[type, Callable[..., None]] = {
            Pipeline: self._pipeline,
            Assignment: self._assignment,
            If: self._if,
            While: self._while,
            For: self._for,
            ForEach: self._foreach,
            Try: self._try,
            FunctionDefinition: self._function,
            Flow: self._flow,
        }

    def run(self, body: Block, out: list[Value]) -> None:
        """Every statement of a block."""
        for statement in body:
            self._statement(statement, out)

    def collect(self, body: Block) -> list[Value]:
        """What statements put out."""
        found: list[Value] = []
        self.run(body, found)
        return found

    def value_of(self, statement: Statement) -> Value:
        """The value of a statement: of a single expression as it is, of anything else what it puts out."""
        if isinstance(statement, Assignment):
            return self._assigned(statement)
        if isinstance(statement, Pipeline) and len(statement.elements) == 1:
            element = statement.elements[0]
            if not isinstance(element, Command):
                return self.evaluate(element)
        return collapsed(self.collect((statement,)))

    def _statement(self, node: Statement, out: list[Value]) -> None:
        self.session.budget.spend()
        try:
            self._statements[type(node)](node, out)
        except Failure as failure:
            failure.line = failure.line or node.line
            if self._tries or failure.is_stopping or not self._goes_on(failure):
                raise
        except NotUnderstood as error:
            error.line = error.line or node.line
            raise

    def _goes_on(self, failure: Failure) -> bool:
        """Whether the next statement is carried out after an error that nobody catches (CheckActionPreference)."""
        preference = self.preference()
        if preference in {"silentlycontinue", "ignore"}:
            return True
        if preference == "stop" or failure.is_thrown:
            failure.is_stopping = True
            return False
        self.session.report(record_of(failure))
        return True

    def _pipeline(self, node: Pipeline, out: list[Value]) -> None:
        given: list[Value] | None = None
        for place, element in enumerate(node.elements):
            is_last = place == len(node.elements) - 1
            goal = out if is_last else []
            if isinstance(element, Command):
                self.command(element, given, goal)
            else:
                value = self.evaluate(element)
                if not (is_last and is_silent(node)):
                    self._emit(value, goal)
            given = goal

    def _emit(self, value: Value, out: list[Value]) -> None:
        """Put a value out, an array item by item."""
        if type(value) is list or isinstance(value, Array | bytearray):
            items = items_of(value)
            self.session.budget.spend(len(items))
            out.extend(items)
        elif value is not NOTHING:
            out.append(value)

    def _assignment(self, node: Assignment, _: list[Value]) -> None:
        self._assigned(node)

    def _assigned(self, node: Assignment) -> Value:
        value = self.value_of(node.value)
        if len(node.targets) == 1:
            target = node.targets[0]
            if node.operator != "=":
                value = self.calculated(node.operator[:-1], self.evaluate(target), value)
            self.assign(target, value)
            return value
        if node.operator != "=":
            raise NotUnderstood(f"{node.operator} with more than one target", node.line)
        items = items_of(value)
        last = len(node.targets) - 1
        for place, target in enumerate(node.targets[:-1]):
            self.assign(target, items[place] if place < len(items) else None)
        rest = items[last:]
        self.assign(node.targets[last], (rest[0] if len(rest) == 1 else rest) if rest else None)
        return value

    def _if(self, node: If, out: list[Value]) -> None:
        for condition, body in node.branches:
            if truth(self.value_of(condition)):
                self.run(body, out)
                return
        self.run(node.otherwise, out)

    def _while(self, node: While, out: list[Value]) -> None:
        is_first = node.is_do
        while is_first or truth(self.value_of(node.condition)) is not node.is_until:
            is_first = False
            if self._round(node.body, out):
                return

    def _for(self, node: For, out: list[Value]) -> None:
        if node.first is not None:
            self.value_of(node.first)
        while node.condition is None or truth(self.value_of(node.condition)):
            if self._round(node.body, out):
                return
            if node.step is not None:
                self.value_of(node.step)

    def _foreach(self, node: ForEach, out: list[Value]) -> None:
        values = self.value_of(node.values)
        if is_null(values):
            return
        for item in list(items_of(values)):
            self.assign(node.variable, item)
            if self._round(node.body, out):
                return

    def _round(self, body: Block, out: list[Value]) -> bool:
        """One round of a loop; whether it was the last."""
        self.session.budget.spend()
        try:
            self.run(body, out)
        except Leave:
            return True
        except GoOn:
            return False
        return False

    def _try(self, node: Try, out: list[Value]) -> None:
        try:
            self._guarded(node, out)
        except _THROWN:
            self.run(node.final, out)
            raise
        self.run(node.final, out)

    def _guarded(self, node: Try, out: list[Value]) -> None:
        tries = self._tries
        self._tries += 1
        try:
            self.run(node.body, out)
        except Failure as failure:
            self._tries = tries
            handler, is_inner = self._handler(node.catches, failure)
            if handler is None:
                raise
            self._catch(handler, caught(failure, is_inner=is_inner), out)
        finally:
            self._tries = tries

    def _handler(self, catches: tuple[Catch, ...], failure: Failure) -> tuple[Catch | None, bool]:
        """The catch for an error: by the exception inside, then by the error itself, then any (FindMatchingHandler)."""
        kinds = [(failure.inner.type_name, True)] if failure.inner else []
        for kind, is_inner in [*kinds, (failure.type_name, False)]:
            for handler in catches:
                if any(is_kind(kind, resolve(name)) for name in handler.types):
                    return handler, is_inner
        return next((handler for handler in catches if not handler.types), None), False

    def _catch(self, handler: Catch, error: ErrorObject, out: list[Value]) -> None:
        scope = self.scope
        before = scope.variables.get("_")
        scope.variables["_"] = error
        self._handled.append(error.failure)
        error.failure.is_stopping = False
        try:
            self.run(handler.body, out)
        finally:
            self._handled.pop()
            scope.variables["_"] = before

    def _function(self, node: FunctionDefinition, _: list[Value]) -> None:
        self.scope.functions[node.name] = node.block

    def _flow(self, node: Flow, out: list[Value]) -> None:
        if node.keyword == "break":
            raise Leave
        if node.keyword == "continue":
            raise GoOn
        if node.keyword == "return":
            if node.value is not None:
                self._put_out(node.value, out)
            raise Return
        value = self.value_of(node.value) if node.value is not None else None
        if node.keyword == "exit":
            raise Exit(0 if is_null(value) else to_int(value))
        raise self._thrown(value, has_value=node.value is not None)

    def _put_out(self, statement: Statement, out: list[Value]) -> None:
        if isinstance(statement, Pipeline):
            self._pipeline(statement, out)
        else:
            self._emit(self.value_of(statement), out)

    def _thrown(self, value: Value, *, has_value: bool) -> Failure:
        if isinstance(value, ErrorObject) or (not has_value and self._handled):
            failure = value.failure if isinstance(value, ErrorObject) else self._handled[-1]
            failure.is_thrown = True
            return failure
        if isinstance(value, ExceptionObject):
            return Failure(
                value.message, value.message, Category.OPERATION_STOPPED, type_name=value.kind, is_thrown=True
            )
        what = text(value) if has_value and not is_null(value) else "ScriptHalted"
        return Failure(what, what, Category.OPERATION_STOPPED, value, is_thrown=True)
