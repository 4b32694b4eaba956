"""Whether the faulty file of a playbook's hosts can be one that a driver holds open, so that only safe mode sets it free."""

from pathlib import Path

from unloop.actions.compile import compile_order
from unloop.model.host import System
from unloop.model.host_run import Rung
from unloop.model.order import CheckKind
from unloop.playbook.document import Playbook
from unloop.playbook.render import render
from unloop.rehearsal.faults import Case, load_cases


def can_be_held(playbook: Playbook) -> bool:
    """Whether a host with such a file would still be fixed: the ladder leads to safe mode, and SMB alone carries the remedy.

    Raises InputError when the playbook has no fixtures to simulate.
    """
    if playbook.system is not System.WINDOWS or Rung.SAFE_MODE not in {rung.name for rung in playbook.ladder}:
        return False
    return all(_has_file(case) and _moves_files(playbook, case) for case in load_cases(Path(playbook.path)).sick)


def _has_file(case: Case) -> bool:
    return any(check.kind is CheckKind.FILE_PRESENT for check in case.crashes_while)


def _moves_files(playbook: Playbook, case: Case) -> bool:
    fixture = case.fixture
    rendered = render(playbook, host=fixture.host, variables=fixture.variables, campaign="rehearsal")
    return compile_order(rendered, campaign="rehearsal").files is not None
