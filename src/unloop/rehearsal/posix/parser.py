"""Read the POSIX shell language (XCU 2.3, 2.10): commands of every kind. Words are read by ``words``."""

import re
from collections.abc import Callable
from functools import lru_cache

from unloop.rehearsal.posix.syntax import (
    Case,
    Choice,
    Command,
    Document,
    Each,
    Function,
    Group,
    Kind,
    Lines,
    Loop,
    NotUnderstood,
    Pipeline,
    Program,
    Redirection,
    Sequence,
    ShellError,
    Simple,
    Text,
    Word,
)
from unloop.rehearsal.posix.words import NAME, WordReader

_REDIRECTION = re.compile(r"([0-9]?)(<<-|<<|>>|>&|<&|>\||<>|<|>)")
_ENDS = frozenset({"then", "else", "elif", "fi", "do", "done", "esac", "}"})
_RESERVED = re.compile(r"(?:[a-z]+|[{}!])(?=[ \t\n;&|<>()]|\Z)")
_FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*\([ \t]*\)")
_KEPT = 256 * 1024
"""Longer programs are not kept: they hold a file, and the next one will hold another."""


def parse(text: str) -> Lines:
    """The program, line by line, up to the first that can't be read."""
    return _parse_kept(text) if len(text) < _KEPT else Parser(text).lines()


@lru_cache(maxsize=32)
def _parse_kept(text: str) -> Lines:
    return Parser(text).lines()


class Parser(WordReader):
    """Recursive descent over the characters; commands inside words come back here."""

    def lines(self) -> Lines:
        """The whole program. A shell carries a line out before it reads the next one."""
        found: list[Program] = []
        try:
            while not self.skip_lines() and not self.at_end():
                found.append(self._line())
        except (ShellError, NotUnderstood) as error:
            return Lines(tuple(found), error)
        except RecursionError:
            return Lines(tuple(found), NotUnderstood("a program that is nested too deeply"))
        return Lines(tuple(found))

    def program(self, ends: frozenset[str]) -> Program:
        """Commands up to one of the words or operators that end them, which stays."""
        found: list[Sequence] = []
        while True:
            self.skip_lines()
            if self.at_end() or self.peek(")") or self.peek(";;") or self._reserved() in ends:
                return tuple(found)
            found.append(self._sequence())

    def _line(self) -> Program:
        found = [self._sequence()]
        while not self.skip_blanks() and not self.at_end() and not self.peek("\n"):
            found.append(self._sequence())
        if not self.at_end():
            self.end_line()
        elif self.pending:
            raise self.refuse("a here-document without text")
        return tuple(found)

    def _commands(self, *ends: str) -> Program:
        """At least one command up to a word that ends them."""
        found = self.program(frozenset(ends))
        if not found:
            raise self.wrong()
        return found

    def _sequence(self) -> Sequence:
        first = self._pipeline()
        rest: list[tuple[str, Pipeline]] = []
        while self.skip_blanks() or self.peek("&&") or self.peek("||"):
            operator = self.text[self.place : self.place + 2]
            self.place += 2
            self.skip_lines()
            rest.append((operator, self._pipeline()))
        is_background = self.peek("&")
        if is_background or (self.peek(";") and not self.peek(";;")):
            self.place += 1
        elif not (self.at_end() or self.peek("\n") or self.peek(")") or self.peek(";;")):
            raise self.wrong()
        return Sequence(first, tuple(rest), is_background)

    def _pipeline(self) -> Pipeline:
        self.skip_blanks()
        is_negated = self._take_reserved("!")
        commands = [self._command()]
        while self.skip_blanks() or (self.peek("|") and not self.peek("||")):
            self.place += 1
            self.skip_lines()
            commands.append(self._command())
        return Pipeline(tuple(commands), is_negated)

    def _command(self) -> Command:
        self.skip_blanks()
        line, word = self.line(), self._reserved()
        if word in _ENDS or word == "!":
            raise self.wrong()
        kinds: dict[str, Callable[[], Kind]] = {
            "{": self._group,
            "if": self._if,
            "while": self._while,
            "until": self._while,
            "for": self._for,
            "case": self._case,
        }
        compound = self._subshell if self.peek("(") else kinds.get(word)
        if compound is not None:
            self.deeper()
            kind = compound()
            self.depth -= 1
            return Command(kind, self._redirections(), line)
        name = _FUNCTION.match(self.text, self.place)
        if name is None:
            return self._simple(line)
        self.place = name.end()
        self.skip_lines()
        self.deeper()
        body = self._command()
        self.depth -= 1
        return Command(Function(name[1], body), (), line)

    def _simple(self, line: int) -> Command:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        while True:
            self.skip_blanks()
            redirection = self._redirection()
            if redirection is not None:
                redirections.append(redirection)
                continue
            name = None if words else NAME.match(self.text, self.place)
            if name and self.text.startswith("=", name.end()):
                self.place = name.end() + 1
                assignments.append((name[0], self.value()))
                continue
            word = self.word()
            if not word:
                break
            words.append(word)
        if not (assignments or words or redirections):
            raise self.wrong()
        return Command(Simple(tuple(assignments), tuple(words)), tuple(redirections), line)

    def _redirections(self) -> tuple[Redirection, ...]:
        found = []
        self.skip_blanks()
        while (redirection := self._redirection()) is not None:
            found.append(redirection)
            self.skip_blanks()
        return tuple(found)

    def _redirection(self) -> Redirection | None:
        found = _REDIRECTION.match(self.text, self.place)
        if found is None:
            return None
        self.place = found.end()
        self.skip_blanks()
        number, operator = found.groups()
        word = self.word()
        if not word:
            raise self.wrong()
        target = self._document(word, operator) if operator in {"<<", "<<-"} else word
        return Redirection(int(number) if number else int(operator.startswith(">")), operator, target)

    def _document(self, word: Word, operator: str) -> Document:
        if not all(isinstance(part, Text) for part in word):
            raise self.refuse("a here-document whose end is no plain word")
        ending = "".join(part.text for part in word if isinstance(part, Text))
        document = Document(ending, operator == "<<-", any(part.is_quoted for part in word))
        self.pending.append(document)
        return document

    def _group(self) -> Group:
        self._take_reserved("{")
        body = self._commands("}")
        self._demand("}")
        return Group(body, is_subshell=False)

    def _subshell(self) -> Group:
        self.place += 1
        body = self._commands()
        self.expect(")")
        return Group(body, is_subshell=True)

    def _if(self) -> Choice:
        branches: list[tuple[Program, Program]] = []
        otherwise: Program = ()
        word = "if"
        while word in {"if", "elif"}:
            self._take_reserved(word)
            condition = self._commands("then")
            self._demand("then")
            branches.append((condition, self._commands("elif", "else", "fi")))
            word = self._reserved()
        if self._take_reserved("else"):
            otherwise = self._commands("fi")
        self._demand("fi")
        return Choice(tuple(branches), otherwise)

    def _while(self) -> Loop:
        is_until = self._reserved() == "until"
        self._take_reserved("until" if is_until else "while")
        condition = self._commands("do")
        return Loop(condition, self._done(), is_until)

    def _for(self) -> Each:
        self._take_reserved("for")
        self.skip_blanks()
        name = NAME.match(self.text, self.place)
        if name is None:
            raise self.wrong()
        self.place = name.end()
        self.skip_lines()
        words: list[Word] | None = None
        if self._take_reserved("in"):
            words = []
            self.skip_blanks()
            while word := self.word():
                words.append(word)
                self.skip_blanks()
        if self.peek(";") and not self.peek(";;"):
            self.place += 1
        self.skip_lines()
        return Each(name[0], None if words is None else tuple(words), self._done())

    def _done(self) -> Program:
        self._demand("do")
        body = self._commands("done")
        self._demand("done")
        return body

    def _case(self) -> Case:
        self._take_reserved("case")
        self.skip_blanks()
        word = self.word()
        if not word:
            raise self.wrong()
        self._demand("in")
        branches = []
        while self.skip_lines() or not self._take_reserved("esac"):
            if self.peek("("):
                self.place += 1
            patterns = [self._pattern()]
            while self.peek("|"):
                self.place += 1
                patterns.append(self._pattern())
            self.expect(")")
            branches.append((tuple(patterns), self.program(frozenset({"esac"}))))
            if self.peek(";;"):
                self.place += 2
            elif self._reserved() != "esac":
                raise self.wrong("expected ;;")
        return Case(word, tuple(branches))

    def _pattern(self) -> Word:
        self.skip_blanks()
        pattern = self.word()
        self.skip_blanks()
        if not pattern:
            raise self.wrong()
        return pattern

    def _reserved(self) -> str:
        """The word that stands here, when it could be a reserved one."""
        self.skip_blanks()
        found = _RESERVED.match(self.text, self.place)
        return found[0] if found else ""

    def _take_reserved(self, word: str) -> bool:
        if self._reserved() != word:
            return False
        self.place += len(word)
        return True

    def _demand(self, word: str) -> None:
        self.skip_lines()
        if not self._take_reserved(word):
            raise self.wrong(f"expected {word}")
