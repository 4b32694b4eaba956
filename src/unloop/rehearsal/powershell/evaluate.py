"""Work out the expressions of a program."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from unloop.rehearsal.powershell import access, operators
from unloop.rehearsal.powershell.convert import is_null, items_of, number_of, text, truth
from unloop.rehearsal.powershell.errors import Category, Failure, NotUnderstood
from unloop.rehearsal.powershell.formats import composite
from unloop.rehearsal.powershell.members import invoke
from unloop.rehearsal.powershell.state import LONGEST, MOST_STEPS, Scope, Session, limit
from unloop.rehearsal.powershell.syntax import (
    ArrayExpression,
    ArrayOf,
    Assignment,
    Binary,
    Block,
    Cast,
    Constant,
    Expandable,
    Expression,
    HashLiteral,
    Increment,
    Index,
    Invoke,
    Logical,
    Member,
    Parenthesized,
    Pipeline,
    ScriptBlock,
    Statement,
    SubExpression,
    TypeName,
    Unary,
    Variable,
)
from unloop.rehearsal.powershell.types import cast, is_of, resolve, set_static_property, static_method, static_property
from unloop.rehearsal.powershell.values import NOTHING, Hashtable, Record, TypeValue, Value, fold, size_of

_RECORD = "System.Management.Automation.PSObject"
_FIXED: Mapping[str, Value] = {"null": None, "true": True, "false": False}
UNKNOWN_HERE = frozenset(
    {"?", "^", "$", "error", "host", "pid", "profile", "myinvocation", "psscriptroot", "pscommandpath", "this"}
    | {"psboundparameters", "matches", "executioncontext", "shellid", "ofs", "psculture", "psuiculture", "stacktrace"}
    | {
        "pshome",
        "psitem",
        "foreach",
        "switch",
        "sender",
        "event",
        "eventargs",
        "home",
        "pwd",
        "pscmdlet",
        "nestedpromptlevel",
    }
    | {"psdefaultparametervalues", "psmoduleautoloadingpreference", "confirmpreference", "whatifpreference"}
)
"""Variables that a real PowerShell sets or heeds itself, and this one does not."""


class Evaluator(ABC):
    """Works out expressions in a session; ``scope`` is the one that runs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.scope: Scope = session.root
        self._values: Mapping[type, Callable[..., Value]] = {
            Constant: lambda node: node.value,
            Expandable: self._expandable,
            Variable: self.variable,
            TypeName: lambda node: TypeValue(resolve(node.name)),
            Member: self._member,
            Invoke: self._invoke,
            Index: self._index,
            Unary: self._unary,
            Binary: self._binary,
            Logical: self._logical,
            Cast: self._cast,
            ArrayOf: self._array,
            ArrayExpression: self._array_expression,
            SubExpression: lambda node: collapsed(self.collect(node.body)),
            Parenthesized: lambda node: self.value_of(node.statement),
            HashLiteral: self._hash,
            ScriptBlock: lambda node: node,
            Increment: self._increment,
        }

    @abstractmethod
    def collect(self, body: Block) -> list[Value]:
        """What statements put out."""

    @abstractmethod
    def value_of(self, statement: Statement) -> Value:
        """The value of a statement in parentheses, or on the right of an assignment."""

    def evaluate(self, node: Expression) -> Value:
        """The value of an expression; raises Failure and NotUnderstood."""
        budget = self.session.budget
        budget.steps += 1
        if budget.steps > MOST_STEPS:
            budget.spend()
        return self._values[type(node)](node)

    def variable(self, node: Variable) -> Value:
        """The value of a variable; one that was never set is ``$null``."""
        name = node.name
        if node.scope == "env":
            return self.session.environment.get(name)
        if name in _FIXED:
            return _FIXED[name]
        if name in UNKNOWN_HERE:
            raise NotUnderstood(f"the variable ${name}", node.line)
        if name == "input":
            return self._input(node)
        scope = self.scope.find(name) if node.scope in {"", "local"} else self.session.root
        return scope.variables.get(name) if scope else None

    def _input(self, node: Variable) -> Value:
        """``$input`` of the whole program: the lines of its standard input. A function has one of its own."""
        if self.session.given is None or self.scope is not self.session.root:
            raise NotUnderstood("the variable $input here", node.line)
        return list[Value](self.session.given)

    def assign(self, target: Expression, value: Value) -> None:
        """Set a variable, a member or an item; raises Failure and NotUnderstood."""
        if isinstance(target, Variable):
            self._set_variable(target, value)
        elif isinstance(target, Cast) and isinstance(target.operand, Variable):
            name, kind = target.operand.name, resolve(target.type_name)
            value = cast(self.session, value, kind)
            self._set_variable(target.operand, value)
            if not target.operand.scope and name != "null":
                self.scope.types[name] = kind
        elif isinstance(target, Member) and target.is_static:
            set_static_property(self._type(target.target), self._name(target.name), value)
        elif isinstance(target, Member):
            access.set_member(self.evaluate(target.target), self._name(target.name), _stored(value))
        elif isinstance(target, Index):
            access.set_item(self.evaluate(target.target), self.evaluate(target.index), _stored(value))
        else:
            raise NotUnderstood("an assignment to this", target.line)

    def _set_variable(self, target: Variable, value: Value) -> None:
        name = target.name
        if name in UNKNOWN_HERE or name in {"true", "false", "input"}:
            raise NotUnderstood(f"an assignment to ${name}", target.line)
        if target.scope == "env":
            self.session.environment[name] = text(value)
        elif name != "null":
            scope = self.scope if target.scope in {"", "local"} else self.session.root
            kind = scope.types.get(name)
            scope.variables[name] = cast(self.session, value, kind) if kind else value

    def _expandable(self, node: Expandable) -> str:
        made = "".join(part if isinstance(part, str) else text(self.evaluate(part)) for part in node.parts)
        if len(made) > LONGEST:
            raise limit("a text that is too long for a simulated host")
        self.session.budget.spend(len(made))
        return made

    def _name(self, node: Expression) -> str:
        return str(node.value) if isinstance(node, Constant) else text(self.evaluate(node))

    def _member(self, node: Member) -> Value:
        if not node.is_static:
            return access.get_member(self.evaluate(node.target), self._name(node.name))
        return static_property(self.session, self._type(node.target), self._name(node.name))

    def _type(self, node: Expression) -> str:
        found = self.evaluate(node)
        if not isinstance(found, TypeValue):
            raise NotUnderstood(":: behind something that is no type", node.line)
        return found.name

    def _invoke(self, node: Invoke) -> Value:
        name = self._name(node.name)
        if node.is_static:
            method = static_method(self._type(node.target), name)
            return invoke(self.session, method, None, self._arguments(node), is_static=True)
        target = self.evaluate(node.target)
        return access.call_method(self.session, target, name, self._arguments(node))

    def _arguments(self, node: Invoke) -> list[Value]:
        return [_stored(self.evaluate(argument)) for argument in node.arguments]

    def _index(self, node: Index) -> Value:
        return access.get_item(self.evaluate(node.target), self.evaluate(node.index))

    def _unary(self, node: Unary) -> Value:
        value = self.evaluate(node.operand)
        if node.operator == "-not":
            return not truth(value)
        if node.operator == "-":
            return operators.negated(value)
        if node.operator == "+":
            return number_of(value)
        if node.operator == "-join":
            return operators.joined(value, "")
        raise NotUnderstood(f"the operator {node.operator}", node.line)

    def _binary(self, node: Binary) -> Value:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if node.operator == "-f":
            return composite(text(left), items_of(right))
        if node.operator in {"-is", "-isnot"}:
            if not isinstance(right, TypeValue):
                raise NotUnderstood("-is with something that is no type", node.line)
            return is_of(left, right.name) is (node.operator == "-is")
        return self.calculated(node.operator, left, right)

    def calculated(self, operator: str, left: Value, right: Value) -> Value:
        """The value of an operator between two values; raises Failure and NotUnderstood."""
        found = operators.binary(operator, left, right, self.session.budget)
        self.session.budget.spend(size_of(found))
        return found

    def _logical(self, node: Logical) -> bool:
        left = truth(self.evaluate(node.left))
        if node.operator == "-xor":
            return left is not truth(self.evaluate(node.right))
        if left is (node.operator == "-or"):
            return left
        return truth(self.evaluate(node.right))

    def _cast(self, node: Cast) -> Value:
        kind = resolve(node.type_name)
        if isinstance(node.operand, HashLiteral) and kind == _RECORD:
            return Record({text(key): _stored(value) for key, value in self._entries(node.operand)})
        return cast(self.session, self.evaluate(node.operand), kind)

    def _array(self, node: ArrayOf) -> list[Value]:
        return [_stored(self.evaluate(item)) for item in node.items]

    def _array_expression(self, node: ArrayExpression) -> list[Value]:
        return self.collect(node.body)

    def _entries(self, node: HashLiteral) -> list[tuple[Value, Value]]:
        found: list[tuple[Value, Value]] = []
        for key_node, statement in node.entries:
            key = self.evaluate(key_node)
            found.append((key, self.value_of(statement)))
        if len({fold(text(key)) for key, _ in found}) < len(found):
            raise NotUnderstood("a key that is twice in one literal", node.line)
        return found

    def _hash(self, node: HashLiteral) -> Hashtable:
        made = Hashtable()
        for key, value in self._entries(node):
            if is_null(key):
                what = "A null key is not allowed in a hash literal."
                raise Failure(what, "InvalidNullKey", Category.INVALID_OPERATION)
            made.put(key, _stored(value))
        return made

    def _increment(self, node: Increment) -> Value:
        before = self.evaluate(node.target)
        after = self.calculated("+", 0 if is_null(before) else before, node.step)
        self.assign(node.target, after)
        return after if node.is_prefix else before


def collapsed(found: list[Value]) -> Value:
    """What was put out as one value: nothing, the only one, or an array."""
    if not found:
        return NOTHING
    return found[0] if len(found) == 1 else found


def _stored(value: Value) -> Value:
    """Nothing becomes ``$null`` where it is stored or handed on."""
    return None if value is NOTHING else value


def is_silent(statement: Statement) -> bool:
    """Whether a statement puts nothing out by itself: assignments, and what counts up or down."""
    if isinstance(statement, Assignment):
        return True
    return (
        isinstance(statement, Pipeline)
        and len(statement.elements) == 1
        and isinstance(statement.elements[0], Increment)
    )
