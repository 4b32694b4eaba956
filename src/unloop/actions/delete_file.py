"""delete_file: take files away, with a copy or a hash kept as evidence."""

from dataclasses import dataclass

from unloop.actions.files import FileAction
from unloop.actions.kinds import ANY_FILE, GUARD, PATTERN, choice
from unloop.actions.options import option
from unloop.model.files import Disposition, FileGuard, FileOrder


class DeleteFile(FileAction):
    """Every file that matches the pattern and its guard goes away."""

    verb = "delete_file"
    title = "Take files away; a copy or the hash is kept as evidence"
    removes = True

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of delete_file."""

        path: str = option(PATTERN, "full path of the files; * and ? in the last component")
        guard: FileGuard = option(GUARD, "what must hold of a file before it is touched", default=ANY_FILE)  # noqa: RUF009 - a field specifier
        keep: str = option(
            choice("copy", "hash"), "copy: the file moves to quarantine; hash: only its SHA-256 stays", default="copy"
        )

    def order(self) -> FileOrder:
        """The file order of this action; a copy is kept by moving the file aside."""
        disposition = Disposition.QUARANTINE if self.options.keep == "copy" else Disposition.DELETE
        path = self.options.path
        return FileOrder(self.verb, disposition, path, self.options.guard, self.context.quarantine(path))
