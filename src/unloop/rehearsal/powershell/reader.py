"""Read the statements of a program from its syntax tree."""

import re
from collections.abc import Callable, Mapping

from tree_sitter import Node

from unloop.rehearsal.powershell import literals
from unloop.rehearsal.powershell.syntax import (
    Assignment,
    Binary,
    Block,
    Catch,
    Command,
    Constant,
    Expression,
    Flow,
    For,
    ForEach,
    FunctionDefinition,
    If,
    Named,
    Parameter,
    Pipeline,
    ScriptBlock,
    Statement,
    Try,
    Variable,
    While,
)
from unloop.rehearsal.powershell.terms import TermReader, kids
from unloop.rehearsal.powershell.values import inward

_IGNORED = frozenset({"empty_statement", "comment"})
_RANGE = re.compile(r"(-?\d{1,10})\.\.(-?\d{1,10})")
_DROPS = re.compile(r"(?P<stream>[2-6*1]?)>\s*\$null", re.IGNORECASE)
_PLAIN_WORD = re.compile(r"[^\s\"'`$(){}\[\]@#;,|&<>\u2018-\u201f]+(?:\[\])?")


class Reader(TermReader):
    """Reads statements, and so whole programs."""

    def __init__(self, data: bytes, lines_before: int) -> None:
        super().__init__(data, lines_before)
        self._statements: Mapping[str, Callable[[Node], Statement]] = {
            "pipeline": self._pipeline,
            "assignment_expression": self._assignment,
            "if_statement": self._if,
            "while_statement": self._while,
            "do_statement": self._do,
            "for_statement": self._for,
            "foreach_statement": self._foreach,
            "try_statement": self._try,
            "function_statement": self._function,
            "flow_control_statement": self._flow,
        }

    def program(self, root: Node) -> ScriptBlock:
        """The whole program; it has no parameters, for nobody could give them."""
        found = self.script_block(kids(root), 1)
        if found.parameters:
            raise self.unknown(root, "the parameters of a whole program")
        return found

    def block(self, node: Node | None) -> Block:
        """The statements in a block, a list, or in braces or parentheses."""
        if node is None:
            return ()
        found: list[Statement] = []
        for child in kids(node):
            if child.type == "statement_list":
                found += self.block(child)
            elif child.is_named and child.type not in _IGNORED:
                found.append(self.statement(child))
        return tuple(found)

    def statement(self, node: Node) -> Statement:
        """One statement; raises NotUnderstood."""
        reader = self._statements.get(node.type)
        if reader is None:
            raise self.unknown(node)
        return reader(node)

    def script_block(self, children: list[Node], line: int) -> ScriptBlock:
        """Parameters and statements; ``begin``, ``process`` and ``end`` are not understood."""
        parameters: tuple[Parameter, ...] = ()
        body: Block = ()
        for child in children:
            if child.type == "param_block":
                lists = [item for item in kids(child) if item.type == "parameter_list"]
                parameters = self._parameters(lists[0]) if lists else ()
            elif child.type == "script_block":
                inner = self.script_block(kids(child), line)
                parameters, body = parameters or inner.parameters, body + inner.body
            elif child.type in {"script_block_body", "statement_list"}:
                body += self.block(child)
            elif child.is_named and child.type not in _IGNORED:
                raise self.unknown(child)
        return ScriptBlock(parameters, body, line)

    def _parameters(self, node: Node) -> tuple[Parameter, ...]:
        return tuple(self._parameter(child) for child in kids(node) if child.type == "script_parameter")

    def _parameter(self, node: Node) -> Parameter:
        name, type_name, default = "", "", None
        for child in kids(node):
            if child.type == "attribute_list":
                type_name = self._attributes(child)
            elif child.type == "variable":
                name = self.variable(self.text_of(child), child).name
            else:
                default = self.term(kids(child)[1])
        return Parameter(name, type_name, default)

    def _attributes(self, node: Node) -> str:
        """The one type in front of a parameter."""
        found = [item for attribute in kids(node) for item in kids(attribute)]
        if len(found) != 1 or found[0].type != "type_literal":
            raise self.unknown(node)
        return self.type_name(found[0])

    def _pipeline(self, node: Node) -> Statement:
        children = kids(node)
        if len(children) != 1:
            raise self.unknown(node)
        if children[0].type != "pipeline_chain":
            return self.statement(children[0])
        elements = [child for child in kids(children[0]) if self.text_of(child) != "|" or child.is_named]
        return Pipeline(tuple(self._element(child) for child in elements), self.line(node))

    def _element(self, node: Node) -> Expression | Command:
        if node.type != "command":
            return self.term(node)
        children = kids(node)
        operator = ""
        if children[0].type == "command_invokation_operator":
            operator = self.text_of(children.pop(0))
        name = self._command_name(children[0])
        words = [word for child in children[1:] for word in kids(child)]
        if not operator and isinstance(name, Constant):
            found = self._misread(name, words, node)
            if found is not None:
                return found
        return self._command(operator, name, words, self.line(node))

    def _command_name(self, node: Node) -> Expression:
        children = kids(node)
        if node.type == "command_name" and not children:
            return Constant(inward(self.text_of(node)), self.line(node))
        if len(children) != 1:
            raise self.unknown(node)
        child = children[0]
        return self._command_name(child) if child.type in {"command_name", "path_command_name"} else self.term(child)

    def _misread(self, name: Constant, words: list[Node], node: Node) -> Expression | None:
        """The grammar takes ``1..3`` and ``1KB + 1`` for commands; Windows takes them for numbers."""
        text = str(name.value)
        if not text[:1].isdigit() and not text.startswith("-"):
            return None
        if any(word.is_named and word.type != "command_argument_sep" for word in words):
            raise self.unknown(node)
        found = _RANGE.fullmatch(text)
        if found:
            first, last = (Constant(literals.whole(int(number)), name.line) for number in found.groups())
            return Binary("..", first, last, name.line)
        return Constant(literals.number(text, name.line), name.line)

    def _command(self, operator: str, name: Expression, words: list[Node], line: int) -> Command:
        elements: list[Expression | Named] = []
        drops: set[str] = set()
        is_bound = False
        for word in words:
            if word.type == "command_argument_sep":
                is_bound = self.text_of(word).strip() == ":" and bool(elements)
            elif word.type == "command_parameter":
                elements.append(Named(self.text_of(word).removesuffix(":"), None, self.line(word)))
                is_bound = self.text_of(word).endswith(":")
                continue
            elif stream := self._dropped(word):
                drops.add(stream)
            elif is_bound and elements and isinstance(elements[-1], Named):
                elements[-1] = Named(elements[-1].text, self._argument(word), elements[-1].line)
                is_bound = False
            else:
                elements.append(self._argument(word))
        return Command(operator, name, tuple(elements), frozenset(drops), line)

    def _dropped(self, node: Node) -> str:
        """The stream that a redirection to ``$null`` drops; '' when it is no redirection."""
        if node.type != "redirection" and not (node.type == "generic_token" and ">" in self.text_of(node)):
            return ""
        found = _DROPS.fullmatch(self.text_of(node))
        if found is None:
            raise self.unknown(node, f"redirection: {self.text_of(node)[:60]}")
        return found["stream"] or "1"

    def _argument(self, node: Node) -> Expression:
        if node.type != "generic_token":
            return self.term(node)
        if not _PLAIN_WORD.fullmatch(self.text_of(node)):
            raise self.unknown(node, f"the bare word {self.text_of(node)[:60]}")
        return Constant(inward(self.text_of(node)), self.line(node))

    def _assignment(self, node: Node) -> Statement:
        target, operator, value = kids(node)
        found = self.term(kids(target)[0] if target.type == "left_assignment_expression" else target)
        targets = found.items if hasattr(found, "items") else (found,)
        return Assignment(targets, self.text_of(operator), self.statement(value), self.line(node))

    def _if(self, node: Node) -> Statement:
        children = kids(node)
        branches = [(self.statement(children[2]), self.block(children[4]))]
        otherwise: Block = ()
        for child in children[5:]:
            if child.type == "else_clause":
                otherwise = self.block(kids(child)[1])
            else:
                parts = [kids(clause) for clause in kids(child)]
                branches += [(self.statement(part[2]), self.block(part[4])) for part in parts]
        return If(tuple(branches), otherwise, self.line(node))

    def _condition(self, node: Node) -> Statement:
        return self.statement(kids(node)[0])

    def _while(self, node: Node) -> Statement:
        children = self._unlabelled(node)
        return While(self._condition(children[2]), self.block(children[4]), False, False, self.line(node))

    def _do(self, node: Node) -> Statement:
        children = self._unlabelled(node)
        is_until = self.text_of(children[2]).lower() == "until"
        return While(self._condition(children[4]), self.block(children[1]), True, is_until, self.line(node))

    def _unlabelled(self, node: Node) -> list[Node]:
        children = kids(node)
        if children[0].is_named:
            raise self.unknown(children[0])
        return children

    def _for(self, node: Node) -> Statement:
        parts = {child.type: child for child in self._unlabelled(node) if child.is_named}
        first, condition, step = (
            self._condition(parts[name]) if name in parts else None
            for name in ("for_initializer", "for_condition", "for_iterator")
        )
        return For(first, condition, step, self.block(parts["statement_block"]), self.line(node))

    def _foreach(self, node: Node) -> Statement:
        children = [child for child in self._unlabelled(node) if child.is_named]
        if len(children) != 3:
            raise self.unknown(node)
        variable, values, body = children
        found = self.term(variable)
        if not isinstance(found, Variable):
            raise self.unknown(variable)
        return ForEach(found, self.statement(values), self.block(body), self.line(node))

    def _try(self, node: Node) -> Statement:
        children = kids(node)
        catches = [clause for child in children if child.type == "catch_clauses" for clause in kids(child)]
        final = next((child for child in children if child.type == "finally_clause"), None)
        return Try(
            self.block(children[1]),
            tuple(self._catch(clause) for clause in catches),
            self.block(kids(final)[1]) if final else (),
            self.line(node),
        )

    def _catch(self, node: Node) -> Catch:
        children = kids(node)
        types = [item for child in children if child.type == "catch_type_list" for item in kids(child)]
        names = tuple(self.type_name(item) for item in types if item.type == "type_literal")
        return Catch(names, self.block(children[-1]))

    def _function(self, node: Node) -> Statement:
        children = kids(node)
        if self.text_of(children[0]).lower() != "function":
            raise self.unknown(node)
        name = self.text_of(children[1])
        if ":" in name:
            raise self.unknown(node)
        declarations = [child for child in children if child.type == "function_parameter_declaration"]
        lists = [item for child in declarations for item in kids(child) if item.type == "parameter_list"]
        rest = [child for child in children[2:] if child not in declarations]
        block = self.script_block(rest, self.line(node))
        if lists:
            block = ScriptBlock(self._parameters(lists[0]), block.body, block.line)
        return FunctionDefinition(name.lower(), block, self.line(node))

    def _flow(self, node: Node) -> Statement:
        children = kids(node)
        if any(child.type == "label_expression" for child in children):
            raise self.unknown(node)
        value = self.statement(children[1]) if len(children) > 1 else None
        return Flow(self.text_of(children[0]).lower(), value, self.line(node))
