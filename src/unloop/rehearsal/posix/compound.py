"""Commands that decide and repeat (POSIX XCU 2.9.4); ``run`` carries out what they hold."""

from collections.abc import Callable

from unloop.rehearsal.posix import patterns
from unloop.rehearsal.posix.expand import Expander
from unloop.rehearsal.posix.state import Jump, Shell
from unloop.rehearsal.posix.syntax import Case, Choice, Each, Loop, Program

Run = Callable[[Shell, Program], int]


def choose(shell: Shell, choice: Choice, run: Run) -> None:
    """``if``."""
    for condition, body in choice.branches:
        if run(shell, condition) == 0:
            run(shell, body)
            return
    if choice.otherwise:
        run(shell, choice.otherwise)
    else:
        shell.status = 0


def repeat(shell: Shell, loop: Loop, run: Run) -> None:
    """``while`` and ``until``."""
    status = 0
    shell.loops += 1
    try:
        while True:
            shell.budget.spend()
            try:
                if (run(shell, loop.condition) == 0) is loop.is_until:
                    break
                status = run(shell, loop.body)
            except Jump as jump:
                status = 0
                if _leaves(jump):
                    break
    finally:
        shell.loops -= 1
    shell.status = status


def go_over(shell: Shell, each: Each, run: Run, expander: Expander) -> None:
    """``for``."""
    values = list(shell.arguments) if each.words is None else expander.fields(each.words)
    if not values:
        shell.status = 0
    shell.loops += 1
    try:
        for value in values:
            shell.variables[each.name] = value
            try:
                run(shell, each.body)
            except Jump as jump:
                if _leaves(jump):
                    break
    finally:
        shell.loops -= 1


def _leaves(jump: Jump) -> bool:
    """Whether a loop ends by this; outer loops hear of it when they are meant too."""
    if jump.levels > 1:
        raise Jump(jump.levels - 1, goes_on=jump.goes_on)
    return not jump.goes_on


def select(shell: Shell, case: Case, run: Run, expander: Expander) -> None:
    """``case``."""
    value = expander.text(case.word)
    for choices, body in case.branches:
        for choice in choices:
            segments = expander.pattern(choice)
            shell.budget.spend(len(value) * patterns.pattern_of(segments).length)
            if patterns.matches(value, segments):
                shell.status = run(shell, body) if body else 0
                return
    shell.status = 0
