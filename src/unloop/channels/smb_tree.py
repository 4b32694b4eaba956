"""What we do in one SMB share: list, open, read, write, rename and delete, each one exchange of requests."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smbprotocol.exceptions import EndOfFile, NoMoreFiles, NoSuchFile, SMBResponseException
from smbprotocol.file_info import FileAttributes, FileInformationClass, FileRenameInformation, InfoType
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2SetInfoRequest,
)

from unloop.channels.smb_errors import status_of
from unloop.channels.smb_status import (
    STATUS_ACCESS_DENIED,
    STATUS_OBJECT_NAME_COLLISION,
    STATUS_OBJECT_PATH_NOT_FOUND,
    STATUS_SHARING_VIOLATION,
)

BLOCK = 65536
"""Bytes per read or write: what one credit pays for ([MS-SMB2] 3.1.5.2)."""

READ = FilePipePrinterAccessMask.FILE_READ_DATA | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
WRITE = FilePipePrinterAccessMask.FILE_WRITE_DATA | FilePipePrinterAccessMask.FILE_APPEND_DATA
DELETE = FilePipePrinterAccessMask.DELETE | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
LIST = DirectoryAccessMask.FILE_LIST_DIRECTORY | DirectoryAccessMask.FILE_READ_ATTRIBUTES
SHARE_ALL = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
FILE = CreateOptions.FILE_NON_DIRECTORY_FILE
FILE_THROUGH = FILE | CreateOptions.FILE_WRITE_THROUGH
DIRECTORY = CreateOptions.FILE_DIRECTORY_FILE


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a directory listing."""

    name: str
    size: int
    modified: datetime
    is_directory: bool


class SmbTree:
    """One connected share; paths are relative to it, with backslashes. Raises smbprotocol's errors."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    def entries(self, directory: str, pattern: str = "*") -> Iterator[Listed]:
        """What a directory holds that matches, without ``.`` and ``..``."""
        with self._opened(directory, LIST, DIRECTORY) as handle:
            while True:
                try:
                    found = handle.query_directory(pattern, FileInformationClass.FILE_DIRECTORY_INFORMATION)
                except (NoMoreFiles, NoSuchFile):
                    return
                for item in found:
                    listed = _listed(item)
                    if listed.name not in {".", ".."}:
                        yield listed

    def blocks(self, path: str) -> Iterator[bytes]:
        """The content of a file, block by block."""
        with self._opened(path, READ, FILE) as handle:
            offset = 0
            while True:
                try:
                    block: bytes = handle.read(offset, min(BLOCK, handle.connection.max_read_size))
                except EndOfFile:
                    return
                yield block
                offset += len(block)

    def rename(self, source: str, destination: str) -> None:
        """Rename without replacing, through to the disk; the destination's directory must be there."""
        try:
            handle, flushes = self._open(source, DELETE | WRITE, FILE_THROUGH), True
        except SMBResponseException as error:
            # A driver in use or a read-only file can be renamed, but not be opened for writing, which FLUSH asks for.
            if status_of(error) not in {STATUS_ACCESS_DENIED, STATUS_SHARING_VIOLATION}:
                raise
            handle, flushes = self._open(source, DELETE, FILE_THROUGH), False
        with _closing(handle):
            self._set_name(handle, destination)
            if flushes:
                handle.flush()

    def delete(self, path: str) -> None:
        """Delete one file."""
        options = FILE_THROUGH | CreateOptions.FILE_DELETE_ON_CLOSE
        with self._opened(path, DELETE, options):
            pass

    def write(self, path: str, content: bytes) -> None:
        """Write a new file through to the disk; never overwrites. The directory must be there."""
        disposition = CreateDisposition.FILE_CREATE
        with self._opened(path, DELETE | WRITE, FILE_THROUGH, disposition) as handle:
            size = min(BLOCK, handle.connection.max_write_size)
            for start in range(0, len(content), size):
                handle.write(content[start : start + size], start)
            handle.flush()

    def make_directories(self, directory: str) -> None:
        """Make a directory and those above it."""
        try:
            self._make_directory(directory)
        except SMBResponseException as error:
            if status_of(error) != STATUS_OBJECT_PATH_NOT_FOUND or "\\" not in directory:
                raise
            self.make_directories(directory.rpartition("\\")[0])
            self._make_directory(directory)

    def _make_directory(self, directory: str) -> None:
        try:
            with self._opened(directory, LIST, DIRECTORY, CreateDisposition.FILE_OPEN_IF):
                pass
        except SMBResponseException as error:
            if status_of(error) != STATUS_OBJECT_NAME_COLLISION:
                raise

    def _set_name(self, handle: Any, name: str) -> None:
        rename = FileRenameInformation()
        rename["replace_if_exists"] = False
        rename["file_name"] = name
        request = SMB2SetInfoRequest()
        request["info_type"] = InfoType.SMB2_0_INFO_FILE
        request["file_info_class"] = FileInformationClass.FILE_RENAME_INFORMATION
        request["file_id"] = handle.file_id
        request["buffer"] = rename
        connection, session = handle.connection, self._tree.session
        connection.receive(connection.send(request, session.session_id, self._tree.tree_connect_id))

    def _open(self, path: str, access: int, options: int, disposition: int = CreateDisposition.FILE_OPEN) -> Any:
        handle = Open(self._tree, path)
        attributes = FileAttributes.FILE_ATTRIBUTE_NORMAL if options & FILE else 0
        handle.create(ImpersonationLevel.Impersonation, access, attributes, SHARE_ALL, disposition, options)
        return handle

    def _opened(
        self, path: str, access: int, options: int, disposition: int = CreateDisposition.FILE_OPEN
    ) -> AbstractContextManager[Any]:
        return _closing(self._open(path, access, options, disposition))


@contextmanager
def _closing(handle: Any) -> Iterator[Any]:
    """Close the handle, unless the connection is lost: then the host closes it."""
    try:
        yield handle
    except (SMBResponseException, GeneratorExit):
        handle.close()
        raise
    handle.close()


def _listed(item: Any) -> Listed:
    modified: datetime = item["last_write_time"].get_value()
    return Listed(
        name=item["file_name"].get_value().decode("utf-16-le"),
        size=item["end_of_file"].get_value(),
        modified=modified,
        is_directory=item["file_attributes"].has_flag(FileAttributes.FILE_ATTRIBUTE_DIRECTORY),
    )
