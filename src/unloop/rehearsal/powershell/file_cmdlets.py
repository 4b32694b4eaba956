"""Cmdlets for files, as far as people use them when they look at a host."""

import hashlib
from collections.abc import Iterator

from unloop.rehearsal.filetree import FileInUse, Node
from unloop.rehearsal.powershell import disk, wildcards
from unloop.rehearsal.powershell.commands import Call, Cmdlet
from unloop.rehearsal.powershell.convert import items_of, text, to_int
from unloop.rehearsal.powershell.errors import Category, NetError, NotUnderstood
from unloop.rehearsal.powershell.file_types import FileSystemInfo, file_at
from unloop.rehearsal.powershell.state import LONGEST, Session, limit
from unloop.rehearsal.powershell.values import Record, Value, fold, inward, outward

_NOT_FOUND = "System.Management.Automation.ItemNotFoundException"
_HASHES = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
Found = tuple[disk.Place, Node]


def _paths(call: Call) -> list[tuple[str, bool]]:
    """The paths that were given, and whether wildcards in them count."""
    if call.has("literalpath"):
        return [(_text_of(item), False) for item in items_of(call.given["literalpath"])]
    if call.has("path"):
        return [(_text_of(item), True) for item in items_of(call.given["path"])]
    if call.input is not None:
        return [(_text_of(item), False) for item in call.input]
    return [(call.session.home, False)]


def _text_of(item: Value) -> str:
    return item.full if isinstance(item, FileSystemInfo) else text(item)


def _found(call: Call, path: str, *, globs: bool) -> list[Found]:
    """What a path means; tells of one that means nothing, unless it has wildcards."""
    session = call.session
    if ":" in path[2:] or (len(path) > 1 and path[1] != ":" and ":" in path):
        raise NotUnderstood(f"the drive of {path[:60]}")
    if globs and wildcards.has_wildcards(path):
        return list(_globbed(session, path))
    found = _node(session, path)
    if found is None:
        what = f"Cannot find path '{_shown(session, path)}' because it does not exist."
        call.fail(what, "PathNotFound", Category.OBJECT_NOT_FOUND, _shown(session, path), _NOT_FOUND)
        return []
    return [found]


def _node(session: Session, path: str) -> Found | None:
    try:
        place = disk.place_of(disk.full_path(session, path))
    except NetError:
        return None
    node = disk.node_at(session.machine.files, place)
    return (place, node) if node is not None else None


def _shown(session: Session, path: str) -> str:
    try:
        return disk.full_path(session, path)
    except NetError:
        return path


def _globbed(session: Session, path: str) -> Iterator[Found]:
    plain = path.replace("/", "\\")
    directory, _, pattern = plain.rpartition("\\")
    if wildcards.has_wildcards(directory) or not pattern:
        raise NotUnderstood(f"wildcards in a directory: {path[:60]}")
    start = _node(session, f"{directory}\\" if directory else session.home)
    if start is None or not start[1].is_directory:
        return
    for node in session.machine.files.children(start[0]):
        if wildcards.matches(inward(node.name), pattern, session.budget):
            yield (*start[0], node.name), node


def _children(call: Call) -> None:
    for path, globs in _paths(call):
        globbed = globs and wildcards.has_wildcards(path)
        for place, node in _found(call, path, globs=globs):
            listed = [(place, node)] if globbed or not node.is_directory else _inside(call.session, place)
            for below, child in listed:
                _list(call, below, child, "" if not globbed else disk.shown(below))


def _inside(session: Session, place: disk.Place) -> list[Found]:
    return [((*place, node.name), node) for node in session.machine.files.children(place)]


def _list(call: Call, place: disk.Place, node: Node, shown: str) -> None:
    """One entry and, with -Recurse, what is below it."""
    session = call.session
    session.budget.spend()
    pattern = call.text("filter")
    is_wanted = not pattern or wildcards.matches(inward(node.name), pattern, session.budget)
    if call.has("file") or call.has("directory"):
        is_wanted = is_wanted and node.is_directory is call.has("directory")
    if is_wanted:
        info = file_at(disk.shown(place), node, shown)
        call.out.append(info.name if call.has("name") else info)
    if call.has("recurse") and node.is_directory:
        for below, child in _inside(session, place):
            _list(call, below, child, disk.shown(below))


def _item(call: Call) -> None:
    for path, globs in _paths(call):
        for place, node in _found(call, path, globs=globs):
            call.out.append(file_at(disk.shown(place), node, disk.shown(place)))


def _test(call: Call) -> None:
    wanted = fold(call.text("pathtype") or "any")
    if wanted not in {"any", "leaf", "container"}:
        raise NotUnderstood(f"-PathType {wanted[:40]}")
    for path, globs in _paths(call):
        if ":" in path[2:]:
            raise NotUnderstood(f"the drive of {path[:60]}")
        globbed = globs and wildcards.has_wildcards(path)
        found = list(_globbed(call.session, path)) if globbed else [_node(call.session, path)]
        nodes = [each[1] for each in found if each is not None]
        call.out.append(any(wanted == "any" or node.is_directory is (wanted == "container") for node in nodes))


def _remove(call: Call) -> None:
    for path, globs in _paths(call):
        for place, node in _found(call, path, globs=globs):
            if node.is_directory and call.session.machine.files.children(place) and not call.has("recurse"):
                raise NotUnderstood("Remove-Item of a directory that is not empty, without -Recurse")
            _remove_one(call, place, node)


def _remove_one(call: Call, place: disk.Place, node: Node) -> None:
    files, shown = call.session.machine.files, disk.shown(place)
    call.session.budget.spend()
    if node.is_directory:
        for child in files.children(place):
            _remove_one(call, (*place, child.name), child)
        if not files.children(place):
            files.remove(place)
        return
    if node.read_only and not call.has("force"):
        what = f"Cannot remove item {shown}: You do not have sufficient access rights to perform this operation."
        error_id = "RemoveFileSystemItemUnAuthorizedAccess"
        call.fail(what, error_id, Category.PERMISSION_DENIED, shown, "System.IO.IOException")
        return
    try:
        disk.demand_free(call.session, place, shown, access=disk.DELETE)
    except NetError as error:
        what = f"Cannot remove item {shown}: {error.message}"
        call.fail(what, "RemoveFileSystemItemIOError", Category.WRITE_ERROR, shown, error.type_name)
        return
    files.change(place, modified=node.modified, read_only=False)
    files.remove(place)


def _rename(call: Call) -> None:
    name = call.text("newname")
    if not name or any(mark in name for mark in '\\/:*?"<>|'):
        raise NotUnderstood(f"the new name {name[:60]!r}")
    for path, globs in _paths(call):
        for place, _ in _found(call, path, globs=globs):
            goal = (*place[:-1], outward(name))
            files = call.session.machine.files
            if files.exists(goal) and not files.same(place, goal):
                what = "Cannot create a file when that file already exists."
                kind = "System.IO.IOException"
                call.fail(what, "RenameItemIOError", Category.WRITE_ERROR, disk.shown(place), kind)
                continue
            try:
                files.rename(place, goal)
            except (FileInUse, PermissionError) as error:
                held = disk.in_use() if isinstance(error, FileInUse) else disk.denied(disk.shown(place))
                call.fail(
                    held.message, "RenameItemIOError", Category.WRITE_ERROR, disk.shown(place), "System.IO.IOException"
                )


def _content(call: Call) -> None:
    for path, globs in _paths(call):
        for place, node in _found(call, path, globs=globs):
            if node.is_directory:
                what = f"Access to the path '{disk.shown(place)}' is denied."
                error_id = "GetContentReaderUnauthorizedAccessError"
                denied = "System.UnauthorizedAccessException"
                call.fail(what, error_id, Category.PERMISSION_DENIED, disk.shown(place), denied)
                continue
            _put_content(call, node)


def _put_content(call: Call, node: Node) -> None:
    if len(node.content) > LONGEST:
        raise limit("a file that is too long for a simulated host")
    call.session.budget.spend(len(node.content) * 4)
    whole = inward(_decoded(node.content, fold(call.text("encoding"))))
    if call.has("raw"):
        call.out.append(whole)
        return
    lines = whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    most = to_int(call.given["totalcount"]) if call.has("totalcount") else len(lines)
    call.out.extend(lines[: max(0, most)])


def _decoded(content: bytes, encoding: str) -> str:
    """By its byte order mark; without one by the ANSI code page, as Windows PowerShell does it."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    names = {"": "cp1252", "default": "cp1252", "utf8": "utf-8", "ascii": "ascii", "unicode": "utf-16-le"}
    if encoding not in names:
        raise NotUnderstood(f"-Encoding {encoding[:40]}")
    return content.decode(marked or names[encoding], "replace")


def _hash(call: Call) -> None:
    algorithm = fold(call.text("algorithm") or "SHA256")
    if algorithm not in _HASHES:
        raise NotUnderstood(f"-Algorithm {algorithm[:40]}")
    for path, globs in _paths(call):
        for place, node in _found(call, path, globs=globs):
            if node.is_directory:
                continue
            call.session.budget.spend(len(node.content) // 8)
            digest = hashlib.new(algorithm, node.content, usedforsecurity=False).hexdigest().upper()
            call.out.append(Record({"Algorithm": algorithm.upper(), "Hash": digest, "Path": disk.shown(place)}))


_WHERE = ("literalpath",)
CMDLETS = (
    Cmdlet(
        "Get-ChildItem",
        _children,
        ("path", "filter"),
        _WHERE,
        ("recurse", "force", "name", "file", "directory"),
        "GetChildItemCommand",
    ),
    Cmdlet("Get-Item", _item, ("path",), _WHERE, ("force",), "GetItemCommand"),
    Cmdlet("Test-Path", _test, ("path",), (*_WHERE, "pathtype"), (), "TestPathCommand"),
    Cmdlet("Remove-Item", _remove, ("path",), _WHERE, ("force", "recurse"), "RemoveItemCommand"),
    Cmdlet("Rename-Item", _rename, ("path", "newname"), _WHERE, ("force",), "RenameItemCommand"),
    Cmdlet("Get-Content", _content, ("path",), (*_WHERE, "encoding", "totalcount"), ("raw",), "GetContentCommand"),
    Cmdlet("Get-FileHash", _hash, ("path",), (*_WHERE, "algorithm"), (), "GetFileHash"),
)
