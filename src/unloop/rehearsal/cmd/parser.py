"""Read a cmd line: quotes, carets, redirections, groups, IF, and commands one after the other."""

import re

from unloop.rehearsal.cmd.syntax import Chain, CmdError, Command, Condition, Group, If, Redirection, Simple

LONGEST = 8191
"""Characters of a line that cmd reads."""
DEEPEST = 32
_TOO_LONG = "The command line is too long."
_SYNTAX = "The syntax of the command is incorrect."
_ECHO = re.compile(r"echo(?=[.:\[\]+(/\\,;])", re.IGNORECASE)
_NAME = re.compile(r'(?:"[^"]*"|[^\s&|<>()"/,;=])+')
_WORD = re.compile(r'(?:"[^"]*"|[^\s&|<>()"])+')
_REDIRECTION = re.compile(
    r'(?P<stream>[0-9])?(?P<kind>>>|>|<)\s*(?:&(?P<other>[0-9])|(?P<file>(?:"[^"]*"|[^\s&|<>()"])+))'
)
_SEPARATORS = ("&&", "||", "&")


def parse(line: str) -> Chain:
    """The commands of a line; raises CmdError."""
    if len(line) > LONGEST:
        raise CmdError(_TOO_LONG)
    reader = _Reader(line)
    chain = reader.chain()
    reader.blanks()
    if not reader.is_done:
        raise CmdError(f"{reader.ahead[:1]} was unexpected at this time.")
    return chain


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._place, self._depth = text, 0, 0

    @property
    def ahead(self) -> str:
        return self._text[self._place :]

    @property
    def is_done(self) -> bool:
        return self._place >= len(self._text)

    def blanks(self) -> None:
        while not self.is_done and self._text[self._place] in " \t\r\n,;=@":
            self._place += 1

    def chain(self) -> Chain:
        self._depth += 1
        if self._depth > DEEPEST:
            raise CmdError(_TOO_LONG)
        first, rest = self.command(), []
        while (separator := self._separator()) is not None:
            rest.append((separator, self.command()))
        self._depth -= 1
        return Chain(first, tuple(rest))

    def _separator(self) -> str | None:
        self.blanks()
        for separator in _SEPARATORS:
            if self._text.startswith(separator, self._place):
                self._place += len(separator)
                return separator
        return None

    def command(self) -> Command:
        self.blanks()
        if self._text.startswith("(", self._place):
            return self._group()
        match = _ECHO.match(self._text, self._place) or _NAME.match(self._text, self._place)
        if match is None:
            raise CmdError(f"{self.ahead[:1]} was unexpected at this time." if not self.is_done else _SYNTAX)
        self._place = match.end()
        if match[0].lower() == "if":
            return self._if()
        rest, redirections = self._rest()
        return Simple(match[0].strip('"'), rest, redirections)

    def _group(self) -> Group:
        self._place += 1
        inner = self.chain()
        self.blanks()
        if not self._text.startswith(")", self._place):
            raise CmdError(_SYNTAX)
        self._place += 1
        _, redirections = self._rest(only_redirections=True)
        return Group(inner, redirections)

    def _rest(self, *, only_redirections: bool = False) -> tuple[str, tuple[Redirection, ...]]:
        """The text up to the end of the command, with what was redirected taken out."""
        text, redirections, quoted = "", [], False
        while not self.is_done:
            character = self._text[self._place]
            if not quoted and character in "&|)":
                break
            if not quoted and (match := self._redirection(text)) is not None:
                redirections.append(_redirected(match))
                self._place = match.end()
                continue
            if only_redirections and character not in " \t":
                break
            if character == "^" and not quoted and self._place + 1 < len(self._text):
                self._place += 1
                character = self._text[self._place]
            elif character == '"':
                quoted = not quoted
            text += character
            self._place += 1
        return text, tuple(redirections)

    def _redirection(self, before: str) -> re.Match[str] | None:
        """A digit names a stream only where a word begins."""
        match = _REDIRECTION.match(self._text, self._place)
        if match is None or (match["stream"] and before[-1:] not in {"", " ", "\t", ")"}):
            return None
        return match

    def _if(self) -> If:
        negated = ignores_case = False
        word = self._word()
        while word.lower() in {"/i", "not"}:
            ignores_case |= word.lower() == "/i"
            negated |= word.lower() == "not"
            word = self._word()
        if word.lower() in {"exist", "errorlevel"}:
            condition = Condition(word.lower(), self._word().strip('"'), "", negated, ignores_case)
        else:
            condition = self._comparison(word, negated, ignores_case)
        then = self.command()
        return If(condition, then, self._else())

    def _comparison(self, word: str, negated: bool, ignores_case: bool) -> Condition:
        left, operator, right = word.partition("==")
        if not operator:
            self.blanks_but_equals()
            if not self._text.startswith("==", self._place):
                raise CmdError(f"{word} was unexpected at this time.")
            self._place += 2
        return Condition("==", left, right or self._word(), negated, ignores_case)

    def blanks_but_equals(self) -> None:
        while not self.is_done and self._text[self._place] in " \t":
            self._place += 1

    def _else(self) -> Command | None:
        """ELSE belongs to the IF only behind a group."""
        kept = self._place
        self.blanks()
        match = _NAME.match(self._text, self._place)
        if match is None or match[0].lower() != "else":
            self._place = kept
            return None
        self._place = match.end()
        return self.command()

    def _word(self) -> str:
        self.blanks()
        match = _WORD.match(self._text, self._place)
        if match is None:
            raise CmdError(_SYNTAX)
        self._place = match.end()
        return match[0]


def _redirected(match: re.Match[str]) -> Redirection:
    stream = int(match["stream"] or (0 if match["kind"] == "<" else 1))
    target = f"&{match['other']}" if match["other"] else match["file"].strip('"')
    return Redirection(stream, target, appends=match["kind"] == ">>")
