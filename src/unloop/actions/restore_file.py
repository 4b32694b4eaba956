"""restore_file: bring a missing file back from where a copy of it lies."""

from dataclasses import dataclass

from unloop.actions.files import FileAction
from unloop.actions.kinds import ANY_FILE, GUARD, PATH, PATTERN
from unloop.actions.options import option
from unloop.errors import Problem
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.host import System


class RestoreFile(FileAction):
    """The newest copy that passes the guard moves back; a file that is there already stays."""

    verb = "restore_file"
    title = "Move the newest copy of a missing file back to its place"

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of restore_file."""

        path: str = option(PATH, "full path of the missing file")
        source: str = option(PATTERN, "full path of the copies; * and ? in the last component", name="from")
        guard: FileGuard = option(GUARD, "what must hold of a copy before it is used", default=ANY_FILE)  # noqa: RUF009 - a field specifier

    def paths(self) -> tuple[str, ...]:
        """The place and the copies."""
        return (self.options.path, self.options.source)

    def problems(self) -> tuple[Problem, ...]:
        """A rename stays on its volume."""
        path, source = self.paths()
        if self.context.system is System.WINDOWS and path[:2].lower() != source[:2].lower():
            return (*super().problems(), self.context.at.problem("restore_file: path and from must lie on one drive"))
        return super().problems()

    def order(self) -> FileOrder:
        """The file order of this action."""
        path, source = self.paths()
        return FileOrder(self.verb, Disposition.RESTORE, path, self.options.guard, source=source)
