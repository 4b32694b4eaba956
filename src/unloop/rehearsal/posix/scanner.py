"""The characters of a shell program, and where the reading has come to (POSIX XCU 2.3)."""

import re
from bisect import bisect_right

from unloop.rehearsal.posix.syntax import Document, NotUnderstood, Part, ShellError, Text

_BLANK = re.compile(r"(?:[ \t]|\\\n)*(?:#[^\n]*)?")
_DEEPEST = 100


class Scanner:
    """Characters, one by one or by token. A line may owe here-documents, which come after its end."""

    def __init__(self, text: str) -> None:
        if "\0" in text:
            raise NotUnderstood("a program with NUL characters")
        self.text, self.place = text, 0
        self.pending: list[Document] = []
        self.depth = 0
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def at_end(self) -> bool:
        """Whether everything is read."""
        return self.place >= len(self.text)

    def peek(self, token: str) -> bool:
        """Whether this stands here."""
        return self.text.startswith(token, self.place)

    def expect(self, token: str) -> None:
        """Take this; raises ShellError when something else stands here."""
        self.skip_blanks()
        if not self.peek(token):
            raise self.wrong(f"expected {token}")
        self.place += len(token)

    def line(self) -> int:
        """The number of the line."""
        return bisect_right(self._ends, self.place - 1) + 1

    def wrong(self, what: str = "") -> ShellError:
        """That the program can't be read here."""
        found = self.text[self.place : self.place + 12].split("\n")[0] or "end of line"
        return ShellError(f"{self.line()}: Syntax error: {found!r} unexpected{f' ({what})' if what else ''}")

    def refuse(self, what: str) -> NotUnderstood:
        """That a real shell reads this, and this one does not."""
        return NotUnderstood(f"line {self.line()}: {what}")

    def deeper(self) -> None:
        """One construct inside another; raises NotUnderstood when there are too many."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.refuse("nested too deeply")

    def skip_blanks(self) -> bool:
        """Pass over blanks and a comment; always False, so that it can stand in a condition."""
        found = _BLANK.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return False

    def skip_lines(self) -> bool:
        """Pass over blanks, comments and ends of lines; always False, so that it can stand in a condition."""
        while not self.skip_blanks() and self.peek("\n"):
            self.end_line()
        return False

    def end_line(self) -> None:
        """Pass over the end of a line, and over the here-documents that it owes."""
        self.place += 1
        pending, self.pending = self.pending, []
        for document in pending:
            body = self._body(document)
            document.word = (Text(body, is_quoted=True),) if document.is_literal else self.document(body)

    def document(self, body: str) -> tuple[Part, ...]:
        """The parts of a here-document in which parameters are expanded."""
        raise NotImplementedError

    def _body(self, document: Document) -> str:
        lines: list[str] = []
        is_continued = False
        while True:
            if self.at_end():
                raise self.refuse(f"a here-document without its {document.ending}")
            end = self.text.find("\n", self.place)
            end = len(self.text) if end < 0 else end
            line = self.text[self.place : end]
            self.place = min(end + 1, len(self.text))
            if is_continued and (line.startswith("\t") or line == document.ending):
                raise self.refuse("a here-document with a continued line before its end")
            line = line.lstrip("\t") if document.strips_tabs else line
            if line == document.ending:
                return "".join(lines)
            is_continued = not document.is_literal and (len(line) - len(line.rstrip("\\"))) % 2 == 1
            lines.append(line + "\n")
