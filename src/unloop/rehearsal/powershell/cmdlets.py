"""Every cmdlet that a program may call, by its name and by the aliases of Windows PowerShell."""

from collections.abc import Mapping

from unloop.rehearsal.powershell import core_cmdlets, file_cmdlets, host_cmdlets, pipeline_cmdlets
from unloop.rehearsal.powershell.commands import Cmdlet
from unloop.rehearsal.powershell.values import fold

_CMDLETS: Mapping[str, Cmdlet] = {
    fold(cmdlet.name): cmdlet
    for module in (core_cmdlets, file_cmdlets, host_cmdlets, pipeline_cmdlets)
    for cmdlet in module.CMDLETS
}
_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("gci", "ls", "dir"), "get-childitem"),
    **dict.fromkeys(("gc", "cat", "type"), "get-content"),
    **dict.fromkeys(("ri", "rm", "del", "erase"), "remove-item"),
    **dict.fromkeys(("rni", "ren"), "rename-item"),
    **dict.fromkeys(("echo", "write"), "write-output"),
    **dict.fromkeys(("%", "foreach"), "foreach-object"),
    **dict.fromkeys(("?", "where"), "where-object"),
    "gi": "get-item",
    "gcim": "get-ciminstance",
    "gsv": "get-service",
    "measure": "measure-object",
    "select": "select-object",
    "sleep": "start-sleep",
    "sort": "sort-object",
}


def cmdlet_of(name: str) -> Cmdlet | None:
    """The cmdlet of a name, None when there is none of it here."""
    folded = fold(name)
    return _CMDLETS.get(_ALIASES.get(folded, folded))
