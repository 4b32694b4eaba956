"""Scripts of a playbook: never run, but a fixture says what they would do."""

import hashlib

from unloop.rehearsal import faults
from unloop.rehearsal.posix.bytetext import inside
from unloop.rehearsal.posix.state import Shell


def known_script(shell: Shell, script: str) -> int | None:
    """The exit code of a script that a fixture knows, which has its effect now; None for others."""
    digest = hashlib.sha256(script.encode("latin-1")).hexdigest()
    effect = shell.machine.state.get("scripts", {}).get(digest)
    if effect is None:
        return None
    faults.apply(shell.machine, effect.changes)
    shell.say(inside(effect.stdout))
    code: int = effect.exit_code
    return code
