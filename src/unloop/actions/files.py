"""What the file verbs have in common: one file order, carried in every way that moves files."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from unloop.actions.base import Action, OfflineChange
from unloop.actions.encode import file_call, file_step
from unloop.errors import Problem
from unloop.model.files import FileOrder
from unloop.model.host import System
from unloop.model.patterns import is_posix


class FileAction(Action):
    """A verb that is one file order."""

    @abstractmethod
    def order(self) -> FileOrder:
        """The file order of this action."""

    def paths(self) -> tuple[str, ...]:
        """The paths among the options."""
        return (self.options.path,)

    def problems(self) -> tuple[Problem, ...]:
        """A path of the other system would match nothing."""
        on_linux = self.context.system is System.LINUX
        wrong = [path for path in self.paths() if is_posix(path) is not on_linux]
        found = [
            self.context.at.problem(f"{self.verb}: {path!r} is no path of a {self.context.system} host")
            for path in wrong
        ]
        return (*super().problems(), *found)

    def file_orders(self) -> tuple[FileOrder, ...]:
        """The order itself."""
        return (self.order(),)

    def powershell_step(self) -> Mapping[str, Any] | None:
        """The order as a step of remedy.ps1."""
        return file_step(self.order()) if self.context.system is System.WINDOWS else None

    def sh_step(self) -> tuple[str, ...] | None:
        """The order as a call of remedy.sh."""
        return file_call(self.order()) if self.context.system is System.LINUX else None

    def offline(self) -> tuple[OfflineChange, ...]:
        """The order itself: a mounted disk has files too."""
        return (self.order(),)
