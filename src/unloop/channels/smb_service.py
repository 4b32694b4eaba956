"""One command on a host, as a service that is created, started and deleted over SMB's service control pipe."""

from types import TracebackType
from typing import Any, Self

from smbprotocol.ioctl import CtlCode, IOCTLFlags, SMB2IOCTLRequest, SMB2IOCTLResponse
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
)

from unloop.channels import svcctl
from unloop.channels.svcctl import Call
from unloop.errors import ChannelError, ProtocolError

PIPE = "svcctl"
ACCESS = (
    FilePipePrinterAccessMask.FILE_READ_DATA
    | FilePipePrinterAccessMask.FILE_WRITE_DATA
    | FilePipePrinterAccessMask.FILE_APPEND_DATA
    | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
)


class ServicePipe:
    """The pipe, bound to svcctl, for the length of a with block."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._pipe = Open(tree, PIPE)
        self._calls = 0

    def __enter__(self) -> Self:
        share = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE
        options = CreateOptions.FILE_NON_DIRECTORY_FILE
        self._pipe.create(ImpersonationLevel.Impersonation, ACCESS, 0, share, CreateDisposition.FILE_OPEN, options)
        svcctl.check_bound(self._transceive(svcctl.bind(self._next())))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._pipe.close()

    def call(self, call: Call, stub: bytes) -> bytes:
        """Make one call; the stub of the answer."""
        return svcctl.response(self._transceive(svcctl.request(self._next(), call, stub)))

    def _next(self) -> int:
        self._calls += 1
        return self._calls

    def _transceive(self, message: bytes) -> bytes:
        """Write one message and read its answer in one exchange ([MS-SMB2] 2.2.31, FSCTL_PIPE_TRANSCEIVE)."""
        request = SMB2IOCTLRequest()
        request["ctl_code"] = CtlCode.FSCTL_PIPE_TRANSCEIVE
        request["file_id"] = self._pipe.file_id
        request["buffer"] = message
        request["max_output_response"] = svcctl.FRAGMENT
        request["flags"] = IOCTLFlags.SMB2_0_IOCTL_IS_FSCTL
        connection, session = self._tree.session.connection, self._tree.session
        sent = connection.send(request, session.session_id, self._tree.tree_connect_id)
        answer = SMB2IOCTLResponse()
        answer.unpack(connection.receive(sent)["data"].get_value())
        output: bytes = answer["buffer"].get_value()
        return output


def run_service_command(tree: Any, command_line: str, name: str) -> None:
    """Create a service for the command, start it, and delete it whatever came of the start.

    The host tells that it started the program, not what came of it. A program that is no service makes the start answer
    with a timeout error when it ends, or after 30 seconds: that is success here.
    """
    with ServicePipe(tree) as pipe:
        opened = pipe.call(Call.OPEN_MANAGER, svcctl.open_manager())
        manager = svcctl.handle_in(opened, "open the service manager")
        service = _create(pipe, manager, name, command_line)
        started = pipe.call(Call.START_SERVICE, svcctl.start_service(service))
        deleted = _delete(pipe, service)
        pipe.call(Call.CLOSE_HANDLE, manager)
        svcctl.check(started, "start the service", svcctl.ERROR_SERVICE_REQUEST_TIMEOUT)
        try:
            svcctl.check(deleted, f"delete the service {name}")
        except ChannelError as error:
            raise ProtocolError(f"the command was started, and then: {error}") from error


def _create(pipe: ServicePipe, manager: bytes, name: str, command_line: str) -> bytes:
    """The new service's handle; one of the same name, left by a connection that was cut, is deleted first."""
    created = pipe.call(Call.CREATE_SERVICE, svcctl.create_service(manager, name, command_line))
    if svcctl.code_in(created, "create a service") == svcctl.ERROR_SERVICE_EXISTS:
        left = pipe.call(Call.OPEN_SERVICE, svcctl.open_service(manager, name))
        svcctl.check(_delete(pipe, svcctl.handle_in(left, f"open the service {name}")), f"delete the service {name}")
        created = pipe.call(Call.CREATE_SERVICE, svcctl.create_service(manager, name, command_line))
    return svcctl.handle_in(created, "create a service", offset=4)


def _delete(pipe: ServicePipe, service: bytes) -> bytes:
    """The answer to the deletion; the service goes with its last handle."""
    deleted = pipe.call(Call.DELETE_SERVICE, service)
    pipe.call(Call.CLOSE_HANDLE, service)
    return deleted
