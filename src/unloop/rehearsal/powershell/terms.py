"""Read the expressions of a program from its syntax tree."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from tree_sitter import Node

from unloop.rehearsal.powershell import literals
from unloop.rehearsal.powershell.errors import NotUnderstood
from unloop.rehearsal.powershell.syntax import (
    ArrayExpression,
    ArrayOf,
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
    ScriptBlock,
    Statement,
    SubExpression,
    TypeName,
    Unary,
    Variable,
)
from unloop.rehearsal.powershell.values import inward

_LOGICAL = frozenset({"-and", "-or", "-xor"})
_SCOPES = frozenset({"", "script", "global", "local", "env"})
_CHAINS = tuple(
    f"{name}{kind}_expression"
    for name in ("logical", "bitwise", "comparison", "additive", "multiplicative", "format", "range")
    for kind in ("", "_argument")
)
_PASSING = frozenset(
    {*_CHAINS, "array_literal_expression", "unary_expression", "integer_literal", "string_literal"}
    | {"argument_expression", "key_expression", "expression_with_unary_operator"}
)
"""Kinds of nodes that mean what their only child means."""


def kids(node: Node) -> list[Node]:
    """The children of a node without comments."""
    return [child for child in node.children if child.type != "comment"]


class TermReader(ABC):
    """Reads expressions of the tree of ``data``; ``lines_before`` is how many lines of the program stand before it."""

    def __init__(self, data: bytes, lines_before: int) -> None:
        self._data = data
        self._lines_before = lines_before
        self._readers: Mapping[str, Callable[[Node], Expression]] = {
            **dict.fromkeys(_CHAINS, self._chain),
            "array_literal_expression": self._array,
            "expression_with_unary_operator": self._unary,
            "cast_expression": self._cast,
            "type_literal": self._type,
            **dict.fromkeys(("pre_increment_expression", "pre_decrement_expression"), self._increment),
            **dict.fromkeys(("post_increment_expression", "post_decrement_expression"), self._increment),
            "member_access": self._member,
            "invokation_expression": self._invoke,
            "element_access": self._index,
            "parenthesized_expression": self._parenthesized,
            "array_expression": self._array_expression,
            "sub_expression": self._sub_expression,
            "hash_literal_expression": self._hash,
            "script_block_expression": self._script_block,
            **dict.fromkeys(("decimal_integer_literal", "hexadecimal_integer_literal", "real_literal"), self._number),
            "verbatim_string_characters": self._verbatim,
            "verbatim_here_string_characters": self._here,
            **dict.fromkeys(("expandable_string_literal", "expandable_here_string_literal"), self._expandable),
            "variable": self._variable,
        }

    @abstractmethod
    def block(self, node: Node | None) -> Block:
        """The statements of a block or of a list."""

    @abstractmethod
    def statement(self, node: Node) -> Statement:
        """One statement."""

    @abstractmethod
    def script_block(self, children: list[Node], line: int) -> ScriptBlock:
        """What stands in the braces of a script block or a function."""

    def text_of(self, node: Node) -> str:
        """The text of a node. Not ``node.text``: tree-sitter 0.26 crashes where Python's recursion ends inside of it."""
        return self._data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    def line(self, node: Node) -> int:
        """The number of a node's first line."""
        return self._lines_before + node.start_point.row + 1

    def unknown(self, node: Node, what: str = "") -> NotUnderstood:
        """That a construct is outside of what this interpreter does."""
        shown = self.text_of(node).split("\n")[0][:60]
        return NotUnderstood(what or f"{node.type.replace('_', ' ')}: {shown}", self.line(node))

    def term(self, node: Node) -> Expression:
        """An expression of any kind; raises NotUnderstood."""
        children = kids(node)
        while node.type in _PASSING and len(children) == 1:
            node = children[0]
            children = kids(node)
        reader = self._readers.get(node.type)
        if reader is None:
            raise self.unknown(node)
        return reader(node)

    def _chain(self, node: Node) -> Expression:
        """Operands with operators between them, from left to right."""
        children = kids(node)
        found = self.term(children[0])
        for place in range(1, len(children) - 1, 2):
            operator = self.text_of(children[place]).strip().lower()
            right = self.term(children[place + 1])
            kind = Logical if operator in _LOGICAL else Binary
            found = kind(operator, found, right, self.line(children[place]))
        return found

    def _array(self, node: Node) -> Expression:
        children = kids(node)
        items = tuple(self.term(child) for child in children if child.is_named)
        return ArrayOf(items, self.line(node))

    def _unary(self, node: Node) -> Expression:
        children = kids(node)
        operator, operand = self.text_of(children[0]).lower(), self.term(children[1])
        if operator == ",":
            return ArrayOf((operand,), self.line(node))
        return Unary("-not" if operator == "!" else operator, operand, self.line(node))

    def _cast(self, node: Node) -> Expression:
        children = kids(node)
        return Cast(self.type_name(children[0]), self.term(children[1]), self.line(node))

    def type_name(self, node: Node) -> str:
        """The name in a type literal, without blanks."""
        return "".join(self.text_of(node)[1:-1].split())

    def _type(self, node: Node) -> Expression:
        return TypeName(self.type_name(node), self.line(node))

    def _increment(self, node: Node) -> Expression:
        children = kids(node)
        is_prefix = not children[0].is_named
        sign, target = (children[0], children[1]) if is_prefix else (children[1], children[0])
        return Increment(self.term(target), 1 if self.text_of(sign) == "++" else -1, is_prefix, self.line(node))

    def _member(self, node: Node) -> Expression:
        target, dot, name = kids(node)
        return Member(self.term(target), self._member_name(name), self.text_of(dot) == "::", self.line(dot))

    def _invoke(self, node: Node) -> Expression:
        target, dot, name, arguments = kids(node)
        return Invoke(
            self.term(target),
            self._member_name(name),
            tuple(self.term(item) for item in self._arguments(arguments)),
            self.text_of(dot) == "::",
            self.line(dot),
        )

    def _arguments(self, node: Node) -> list[Node]:
        if node.type != "argument_list":
            raise self.unknown(node)
        lists = [child for child in kids(node) if child.is_named]
        return [item for child in lists for item in kids(child) if item.is_named]

    def _member_name(self, node: Node) -> Expression:
        name = kids(node)[0]
        if name.type == "simple_name":
            return Constant(self.text_of(name), self.line(name))
        return self.term(name)

    def _index(self, node: Node) -> Expression:
        children = kids(node)
        return Index(self.term(children[0]), self.term(children[2]), self.line(node))

    def _parenthesized(self, node: Node) -> Expression:
        return Parenthesized(self.statement(kids(node)[1]), self.line(node))

    def _array_expression(self, node: Node) -> Expression:
        return ArrayExpression(self.block(node), self.line(node))

    def _sub_expression(self, node: Node) -> Expression:
        return SubExpression(self.block(node), self.line(node))

    def _hash(self, node: Node) -> Expression:
        bodies = [child for child in kids(node) if child.type == "hash_literal_body"]
        entries = [entry for body in bodies for entry in kids(body) if entry.type == "hash_entry"]
        return HashLiteral(tuple(self._entry(entry) for entry in entries), self.line(node))

    def _entry(self, node: Node) -> tuple[Expression, Statement]:
        key, _, value = kids(node)[:3]
        name = kids(key)[0]
        if name.type == "simple_name":
            return Constant(self.text_of(name), self.line(name)), self.statement(value)
        return self.term(name), self.statement(value)

    def _script_block(self, node: Node) -> Expression:
        return self.script_block(kids(node)[1:-1], self.line(node))

    def _number(self, node: Node) -> Expression:
        return Constant(literals.number(self.text_of(node), self.line(node)), self.line(node))

    def _verbatim(self, node: Node) -> Expression:
        return Constant(inward(literals.verbatim(self.text_of(node))), self.line(node))

    def _here(self, node: Node) -> Expression:
        return Constant(inward(literals.here_text(self.text_of(node))), self.line(node))

    def _expandable(self, node: Node) -> Expression:
        is_here = node.type == "expandable_here_string_literal"
        start = node.start_byte
        data = self._data[start : node.end_byte]
        place, end = _inside_here(data) if is_here else (1, len(data) - 1)
        parts: list[str | Expression] = []
        for child in node.children:
            if child.is_named:
                self._add_text(parts, data[place : child.start_byte - start], doubles_quotes=not is_here)
                parts.append(self.term(child))
                place = child.end_byte - start
                if child.type == "variable" and data[place : place + 1] == b":" and data[place - 1 : place] != b"}":
                    raise self.unknown(child, "a variable with a colon behind it in a text; it wants braces")
        self._add_text(parts, data[place:end], doubles_quotes=not is_here)
        return Expandable(tuple(parts), self.line(node))

    @staticmethod
    def _add_text(parts: list[str | Expression], data: bytes, *, doubles_quotes: bool) -> None:
        text = literals.unescaped(data.decode("utf-8", "surrogatepass"), doubles_quotes=doubles_quotes)
        if text:
            parts.append(inward(text))

    def _variable(self, node: Node) -> Expression:
        return self.variable(self.text_of(node), node)

    def variable(self, text: str, node: Node) -> Variable:
        """The variable that a text with ``$`` names."""
        plain = text[2:-1] if text.startswith("${") else text[1:]
        scope, colon, name = plain.rpartition(":")
        if colon and not name:
            raise self.unknown(node)
        if scope.lower() not in _SCOPES:
            raise self.unknown(node, f"the scope or drive of ${plain}")
        return Variable(name.lower(), scope.lower(), self.line(node))


def _inside_here(data: bytes) -> tuple[int, int]:
    """Where the text of a here-string begins and ends."""
    first = data.index(b"\n") + 1
    last = max(first, data.rindex(b"\n"))
    return first, last - (data[first:last][-1:] == b"\r")
