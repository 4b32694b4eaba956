"""put_file: write a file that is missing."""

import base64
import hashlib
from dataclasses import dataclass

from unloop.actions.files import FileAction
from unloop.actions.kinds import PATH, SHA256, TEXT
from unloop.actions.options import BadValue, option
from unloop.errors import Problem
from unloop.model.files import Disposition, FileOrder

LIMIT = 1 << 20
"""Windows PowerShell reads an order of at most 2 MiB of JSON."""


class PutFile(FileAction):
    """A new file with a known content; a file that is there already is never overwritten."""

    verb = "put_file"
    title = "Write a file that is missing; nothing is overwritten"

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of put_file."""

        path: str = option(PATH, "full path of the file")
        content: str = option(TEXT, "what to write, as text (UTF-8)", default="")
        source: str = option(TEXT, "name of a file beside the playbook that holds what to write", default="")
        sha256: str = option(SHA256, "SHA-256 that the content must have", default="")

    def problems(self) -> tuple[Problem, ...]:
        """One source, readable, small enough and with the hash that it should have."""
        at, options = self.context.at, self.options
        found = list(super().problems())
        if bool(options.content) is bool(options.source):
            return (*found, at.problem("put_file needs either content or source"))
        try:
            content = self._content()
        except BadValue as error:
            return (*found, at.problem(f"put_file: source: {error}"))
        if len(content) > LIMIT:
            found.append(at.problem(f"put_file: {len(content)} bytes are more than the {LIMIT} that it can carry"))
        actual = hashlib.sha256(content).hexdigest()
        if options.sha256 and actual != options.sha256:
            found.append(at.problem(f"put_file: the content has the SHA-256 {actual}, not {options.sha256}"))
        return tuple(found)

    def _content(self) -> bytes:
        if self.options.content:
            return bytes(self.options.content, "utf-8")
        return self.context.source(self.options.source)

    def order(self) -> FileOrder:
        """The file order of this action."""
        content = base64.b64encode(self._content()).decode("ascii")
        return FileOrder(self.verb, Disposition.PUT, self.options.path, content=content)
