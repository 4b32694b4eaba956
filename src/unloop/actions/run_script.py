"""run_script: run a script of the playbook's own; it says itself what it changed."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unloop.actions.base import Action
from unloop.actions.kinds import TEXT, choice
from unloop.actions.options import option
from unloop.errors import Problem
from unloop.model.host import System
from unloop.model.order import Shell

LIMITS: Mapping[str, int] = {Shell.POWERSHELL: 12_000, Shell.CMD: 64_000, Shell.SH: 64_000}
"""Characters: -EncodedCommand is part of a command line of 32,767; a single argument of Linux holds 128 KiB."""


class RunScript(Action):
    """Exit code 0 and a line ``unloop-changed`` or ``unloop-already``; exit code 0 alone is only *sent*."""

    verb = "run_script"
    title = "Run a script; it prints unloop-changed or unloop-already"

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of run_script."""

        shell: str = option(choice(*Shell), "the shell that runs it")
        script: str = option(TEXT, "the script")

    def problems(self) -> tuple[Problem, ...]:
        """A shell of the other system, or too long a script."""
        at, options = self.context.at, self.options
        found = list(super().problems())
        if (options.shell == Shell.SH) is not (self.context.system is System.LINUX):
            found.append(at.problem(f"run_script: a {self.context.system} host has no {options.shell}"))
        if len(options.script) > LIMITS[options.shell]:
            found.append(at.problem(f"run_script: the script is longer than {LIMITS[options.shell]} characters"))
        if options.shell == Shell.CMD and not options.script.isascii():
            found.append(at.problem("run_script: a cmd script must be ASCII: the host's code page is not known"))
        return tuple(found)

    def powershell_step(self) -> Mapping[str, Any] | None:
        """A script step of remedy.ps1, which has it run by a process of its own."""
        script = self.options.script
        step = {"kind": "script", "shell": self.options.shell, "script_sha256": _sha256(script)}
        if self.options.shell == Shell.POWERSHELL:
            return {**step, "encoded": base64.b64encode(script.encode("utf-16-le")).decode("ascii"), "content": ""}
        if self.options.shell == Shell.CMD:
            lines = "\r\n".join(script.splitlines()) + "\r\n"
            return {**step, "encoded": "", "content": base64.b64encode(lines.encode("ascii")).decode("ascii")}
        return None

    def sh_step(self) -> tuple[str, ...] | None:
        """A call of remedy.sh, which has it run by a shell of its own."""
        return ("run_script", self.options.script) if self.options.shell == Shell.SH else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
