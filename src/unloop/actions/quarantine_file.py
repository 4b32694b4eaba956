"""quarantine_file: move files aside, where nothing loads them, so that they can be put back."""

from dataclasses import dataclass

from unloop.actions.files import FileAction
from unloop.actions.kinds import ANY_FILE, GUARD, PATTERN
from unloop.actions.options import option
from unloop.model.files import Disposition, FileGuard, FileOrder


class QuarantineFile(FileAction):
    """Every file that matches the pattern and its guard goes to the quarantine of the campaign."""

    verb = "quarantine_file"
    title = "Move files aside, to a place from which they can be put back"
    removes = True

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of quarantine_file."""

        path: str = option(PATTERN, "full path of the files; * and ? in the last component")
        guard: FileGuard = option(GUARD, "what must hold of a file before it is touched", default=ANY_FILE)  # noqa: RUF009 - a field specifier

    def order(self) -> FileOrder:
        """The file order of this action."""
        path = self.options.path
        return FileOrder(self.verb, Disposition.QUARANTINE, path, self.options.guard, self.context.quarantine(path))
