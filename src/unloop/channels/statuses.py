"""What the judgements of an action's files come to, in one word and one line."""

from unloop.errors import ChannelError, InUse
from unloop.model.files import Judgement
from unloop.model.report import ActionStatus, FileEvidence


def status_of(judged: list[FileEvidence], *, changed: bool | None = None) -> ActionStatus:
    """The status of an action; ``changed`` None: a file that matches was changed."""
    judgements = {evidence.judgement for evidence in judged}
    if Judgement.SUSPICIOUS in judgements:
        return ActionStatus.SUSPICIOUS
    if changed if changed is not None else Judgement.MATCH in judgements:
        return ActionStatus.CHANGED
    return ActionStatus.ALREADY if Judgement.GOOD_SIBLING in judgements else ActionStatus.NO_MATCH


def status_after(error: ChannelError) -> ActionStatus:
    """The status of an action that ended in an error about its file."""
    return ActionStatus.IN_USE if isinstance(error, InUse) else ActionStatus.FAILED


def explain(status: ActionStatus, judged: list[FileEvidence]) -> str:
    """One line on a status that needs one."""
    if status is ActionStatus.SUSPICIOUS:
        return "a file fits by date and size, but its header or hash is another"
    if status is ActionStatus.ALREADY:
        return "a recent enough sibling is there"
    return f"{len(judged)} files of that name, none in range" if status is ActionStatus.NO_MATCH else ""
