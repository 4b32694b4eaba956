"""Read the POSIX shell language (XCU 2.3, 2.10): commands of every kind. Words are read by ``words``."""

from collections.abc import Callable
from functools import lru_cache

from unloop.rehearsal.posix.syntax import (
    Case,
    Choice,
    Command,
    Each,
    Function,
    Group,
    Loop,
    Pipeline,
    Program,
    Redirection,
    Sequence,
    ShellError,
    Simple,
    Word,
)
from unloop.rehearsal.posix.words import NAME, WordReader

_REDIRECTIONS = ("<<-", "<<", ">>", ">&", "<&", ">|", "<>", "<", ">")
_ENDS = frozenset({"then", "else", "elif", "fi", "do", "done", "esac", "}"})


@lru_cache(maxsize=64)
def parse(text: str) -> Program:
    """The whole program; raises ShellError."""
    parser = Parser(text)
    try:
        program = parser.program(frozenset())
    except RecursionError as error:
        raise ShellError("nested too deeply") from error
    if not parser.at_end():
        raise parser.wrong()
    return program


class Parser(WordReader):
    """Recursive descent over the characters; commands inside words come back here."""

    def program(self, ends: frozenset[str]) -> Program:
        """Commands up to one of the words or operators that end them, which stays."""
        found: list[Sequence] = []
        while True:
            self.skip_lines()
            if self.at_end() or self.peek(")") or self.peek(";;") or self._reserved() in ends:
                return tuple(found)
            found.append(self._sequence())

    def _sequence(self) -> Sequence:
        first, rest = self._pipeline(), []
        while self.skip_blanks() or self.peek("&&") or self.peek("||"):
            operator = self.text[self.place : self.place + 2]
            if operator not in {"&&", "||"}:
                break
            self.place += 2
            self.skip_lines()
            rest.append((operator, self._pipeline()))
        is_background = self.peek("&") and not self.peek("&&")
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
            if not self.peek("|") or self.peek("||"):
                break
            self.place += 1
            self.skip_lines()
            commands.append(self._command())
        return Pipeline(tuple(commands), is_negated)

    def _command(self) -> Command:
        self.skip_blanks()
        line, word = self.line(), self._reserved()
        if word in _ENDS:
            raise self.wrong()
        if self.peek("("):
            self.place += 1
            body = self.program(frozenset())
            self.expect(")")
            return Command(Group(body, is_subshell=True), self._redirections(), line)
        kinds: dict[str, Callable[[], Group | Choice | Loop | Each]] = {
            "{": self._group,
            "if": self._if,
            "while": self._while,
            "until": self._while,
            "for": self._for,
        }
        if word == "case":
            return Command(self._case(), self._redirections(), line)
        if word in kinds:
            return Command(kinds[word](), self._redirections(), line)
        name = NAME.match(self.text, self.place)
        if name and self.text[name.end() :].lstrip(" \t").startswith("()"):
            self.place = self.text.index(")", name.end()) + 1
            self.skip_lines()
            return Command(Function(name[0], self._command()), (), line)
        return self._simple(line)

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
            name = NAME.match(self.text, self.place)
            if not words and name and self.text[name.end() : name.end() + 1] == "=":
                self.place = name.end() + 1
                assignments.append((name[0], self.word()))
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
        start = self.place
        number = self.text[start : start + 1] if self.text[start : start + 1].isdigit() else ""
        place = start + len(number)
        operator = next((known for known in _REDIRECTIONS if self.text.startswith(known, place)), "")
        if not operator:
            return None
        self.place = place + len(operator)
        self.skip_blanks()
        descriptor = int(number) if number else int(operator.startswith(">"))
        if operator in {"<<", "<<-"}:
            return self.here_document(descriptor, strips_tabs=operator == "<<-")
        word = self.word()
        if not word:
            raise self.wrong()
        return Redirection(descriptor, operator, word)

    def _group(self) -> Group:
        self._take_reserved("{")
        body = self.program(frozenset({"}"}))
        self._demand("}")
        return Group(body, is_subshell=False)

    def _if(self) -> Choice:
        branches: list[tuple[Program, Program]] = []
        otherwise: Program = ()
        word = "if"
        while word in {"if", "elif"}:
            self._take_reserved(word)
            condition = self.program(frozenset({"then"}))
            self._demand("then")
            branches.append((condition, self.program(frozenset({"elif", "else", "fi"}))))
            word = self._reserved()
        if self._take_reserved("else"):
            otherwise = self.program(frozenset({"fi"}))
        self._demand("fi")
        return Choice(tuple(branches), otherwise)

    def _while(self) -> Loop:
        is_until = self._reserved() == "until"
        self._take_reserved("until" if is_until else "while")
        condition = self.program(frozenset({"do"}))
        return Loop(condition, self._body(), is_until)

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
        return Each(name[0], None if words is None else tuple(words), self._body())

    def _body(self) -> Program:
        self._demand("do")
        body = self.program(frozenset({"done"}))
        self._demand("done")
        return body

    def _case(self) -> Case:
        self._take_reserved("case")
        self.skip_blanks()
        word = self.word()
        self.skip_lines()
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
        start = place = self.place
        while place < len(self.text) and (self.text[place].isalpha() or self.text[place] in "{}!"):
            place += 1
        following = self.text[place : place + 1]
        return self.text[start:place] if following in {"", " ", "\t", "\n", ";", ")", "(", "&", "|", "<", ">"} else ""

    def _take_reserved(self, word: str) -> bool:
        if self._reserved() != word:
            return False
        self.place += len(word)
        return True

    def _demand(self, word: str) -> None:
        self.skip_lines()
        if not self._take_reserved(word):
            raise self.wrong(f"expected {word}")
