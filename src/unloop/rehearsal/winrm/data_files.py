"""CIM_DataFile over the files of a host: what it tells, and Delete, Rename and Copy (CIMWin32 provider reference)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from unloop.rehearsal.filetree import FileInUse, FileTree, Node
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm.cim import Call, Instance, WmiClass
from unloop.rehearsal.winrm.query import Query

Path = tuple[str, ...]
DONE, DENIED, FAILED, INVALID, EXISTS, OTHER_DRIVE, IN_USE, BAD_PARAMETER = 0, 2, 8, 9, 10, 13, 15, 21
"""Return values of the methods of CIM_LogicalFile."""
_FULL_ACCESS = 0x1F01FF
_FORBIDDEN = frozenset('"*/:<>?|') | frozenset(chr(number) for number in range(32))
_PROPERTIES = (
    "AccessMask", "Archive", "Caption", "Compressed", "CreationClassName", "CreationDate", "CSCreationClassName",
    "CSName", "Description", "Drive", "EightDotThreeFileName", "Encrypted", "Extension", "FileName", "FileSize",
    "FileType", "FSCreationClassName", "FSName", "Hidden", "InUseCount", "LastAccessed", "LastModified", "Manufacturer",
    "Name", "Path", "Readable", "Status", "System", "Version", "Writeable",
)  # fmt: skip


def _instances(machine: Machine, query: Query | None) -> Iterator[Instance]:
    place = _place(query)
    files = machine.files
    if place is not None and (not files.exists(place) or not files.stat(place).is_directory):
        return
    for path, node in _below(files, place or (), is_deep=place is None):
        yield _instance(machine, path, node)


def _place(query: Query | None) -> Path | None:
    """The one directory that a query is about, if it says so."""
    for comparison in query.fixed() if query is not None else ():
        if comparison.operator == "=" and comparison.name == "path":
            return tuple(part for part in str(comparison.value).split("\\") if part)
        if comparison.operator == "=" and comparison.name == "name":
            path = path_of(str(comparison.value))
            return path[:-1] if path is not None else ("?",)
    return None


def _below(files: FileTree, place: Path, *, is_deep: bool) -> Iterator[tuple[Path, Node]]:
    rest = [place]
    while rest:
        directory = rest.pop()
        for node in files.children(directory):
            path = (*directory, node.name)
            if not node.is_directory:
                yield path, node
            elif is_deep:
                rest.append(path)


def _instance(machine: Machine, path: Path, node: Node) -> Instance:
    """Names are in lower case, as WMI has them; the volume knows one time and no short names."""
    name = "\\".join(("c:", *path)).lower()
    stem, dot, extension = path[-1].lower().rpartition(".")
    return {
        "AccessMask": _FULL_ACCESS,
        "Archive": True,
        "Caption": name,
        "Compressed": False,
        "CreationClassName": "CIM_LogicalFile",
        "CreationDate": node.modified,
        "CSCreationClassName": "Win32_ComputerSystem",
        "CSName": machine.spec.name.upper(),
        "Description": name,
        "Drive": "c:",
        "EightDotThreeFileName": name,
        "Encrypted": False,
        "Extension": extension if dot else "",
        "FileName": stem if dot else extension,
        "FileSize": len(node.content),
        "FileType": f"{extension if dot else ''} File".strip(),
        "FSCreationClassName": "Win32_FileSystem",
        "FSName": "NTFS",
        "Hidden": False,
        "InUseCount": None,
        "LastAccessed": node.modified,
        "LastModified": node.modified,
        "Manufacturer": None,
        "Name": name,
        "Path": "\\".join(("", *path[:-1], "")).lower() if len(path) > 1 else "\\",
        "Readable": True,
        "Status": "OK",
        "System": False,
        "Version": None,
        "Writeable": not node.read_only,
    }


def path_of(name: str) -> Path | None:
    """The place that a full path on drive C means; None when it is none."""
    drive, _, rest = name.partition(":")
    parts = tuple(rest.split("\\"))
    if drive.lower() != "c" or parts[0] or len(parts) < 2:
        return None
    if any(not part or part in {".", ".."} or _FORBIDDEN & set(part) for part in parts[1:]):
        return None
    return parts[1:]


def _delete(call: Call) -> Instance:
    return _returning(lambda: call.machine.files.remove(_own_path(call)))


def _rename(call: Call) -> Instance:
    """Only within the drive; nothing is overwritten."""
    goal, refusal = _goal(call)
    if goal is None:
        return {"ReturnValue": refusal}
    return _returning(lambda: call.machine.files.rename(_own_path(call), goal))


def _copy(call: Call) -> Instance:
    """To a name that is not taken; a copy is as old as its making."""
    goal, refusal = _goal(call)
    if goal is None:
        return {"ReturnValue": refusal}
    files = call.machine.files
    if files.exists(goal):
        return {"ReturnValue": EXISTS}
    content = files.stat(_own_path(call)).content
    return _returning(lambda: files.write(goal, content, modified=datetime.now(UTC)))


def _own_path(call: Call) -> Path:
    return path_of(str(call.instance["Name"])) or ()


def _goal(call: Call) -> tuple[Path | None, int]:
    name = call.arguments.get("filename", "")
    if not name:
        return None, BAD_PARAMETER
    if name[1:2] == ":" and name[:1].lower() != "c":
        return None, OTHER_DRIVE
    goal = path_of(name)
    if goal is None or not call.machine.files.exists(goal[:-1]):
        return None, INVALID
    return goal, DONE


def _returning(work: Callable[[], None]) -> Instance:
    """Do something to a file and say in the provider's numbers how it went."""
    try:
        work()
    except FileExistsError:
        return {"ReturnValue": EXISTS}
    except PermissionError:
        return {"ReturnValue": DENIED}
    except FileInUse:
        return {"ReturnValue": IN_USE}
    except (FileNotFoundError, NotADirectoryError):
        return {"ReturnValue": INVALID}
    except OSError:
        return {"ReturnValue": FAILED}
    return {"ReturnValue": DONE}


FILES = WmiClass(
    "CIM_DataFile", ("Name",), _PROPERTIES, _instances, {"Delete": _delete, "Rename": _rename, "Copy": _copy}
)
