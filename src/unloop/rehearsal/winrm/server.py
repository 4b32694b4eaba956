"""The WinRM server of one connection, without a socket: bytes in, bytes out; a Receive may wait in between."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from xml.etree import ElementTree as ET

from unloop.channels.ntlm.seal import BadSignature
from unloop.rehearsal.http1 import BadRequest, Request, RequestReader, Response
from unloop.rehearsal.winrm import config, fault, multipart, names, soap
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.logon import Door, Logon
from unloop.rehearsal.winrm.multipart import Garbled
from unloop.rehearsal.winrm.shells import Receiving
from unloop.rehearsal.winrm.soap import Message
from unloop.rehearsal.winrm.wsman import WsMan

_LONGEST_BODY = names.MAX_ENVELOPE + 4096
"""A sealed envelope of the greatest size."""
_SOAP = "application/soap+xml;charset=UTF-8"
_SERVER = {"Server": "Microsoft-HTTPAPI/2.0"}
_MOST_QUEUED = 16
_NOTHING = ET.Element("nothing")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request that is to be answered, and how."""

    message: Message
    is_sealed: bool
    tells: tuple[str, ...]
    keeps_alive: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A Receive that waits until something is said, or its time is over."""

    asked: _Asked
    receiving: Receiving
    until: float


class WinrmServer:
    """Give it what the client sends; ``feed`` and ``poll`` answer what to send back.

    While ``due`` is a time, a request waits: call ``poll`` then, and whenever ``wake`` was called. ``is_secure`` says that
    TLS is underneath; without it no message is taken or given in the clear.
    """

    def __init__(self, wsman: WsMan, door: Door, wake: Callable[[], None], *, is_secure: bool = False) -> None:
        self._wsman, self._wake, self._is_secure = wsman, wake, is_secure
        self._logon = Logon(door)
        self._takes_basic = bool(door.basic)
        self._reader = RequestReader(_LONGEST_BODY)
        self._queue: deque[Request] = deque()
        self._waiting: _Waiting | None = None
        self.is_over = False
        """The connection is to be closed when all is sent."""

    @property
    def due(self) -> float | None:
        """When the request that waits must be looked at again."""
        if self._waiting is None:
            return None
        now, ready = self._wsman.host.clock(), 0.0
        try:
            ready = self._waiting.receiving.ready_at
        except Fault:
            return now
        return min(self._waiting.until, ready) if ready > now else self._waiting.until

    def feed(self, data: bytes) -> bytes:
        """The answers to what has arrived whole."""
        if self.is_over:
            return b""
        try:
            self._queue.extend(self._reader.feed(data))
        except BadRequest as error:
            self._queue.clear()
            return self._end(error.status)
        if len(self._queue) > _MOST_QUEUED:
            self._queue.clear()
            return self._end(HTTPStatus.BAD_REQUEST)
        return self._work()

    def poll(self) -> bytes:
        """The answer to the request that waits, if there is one now, and to those behind it."""
        if self._waiting is None or not (answer := self._look(self._waiting)):
            return b""
        self._forget()
        return answer + self._work()

    def _look(self, waiting: _Waiting) -> bytes:
        """Nothing while there is nothing to say and time is left."""
        try:
            body = waiting.receiving.answer()
        except Fault as trouble:
            return self._fault(waiting.asked, trouble)
        if body is not None:
            return self._reply(waiting.asked, body)
        if self._wsman.host.clock() < waiting.until:
            return b""
        return self._fault(waiting.asked, Fault(fault.TIMED_OUT))

    def lost(self) -> None:
        """The client is gone."""
        self.is_over = True
        self._queue.clear()
        self._forget()

    def _forget(self) -> None:
        if self._waiting is not None:
            self._waiting.receiving.shell.leave(self._wake)
            self._waiting = None

    def _work(self) -> bytes:
        """Answer what is queued, up to a request that has to wait."""
        answers = []
        while self._queue and self._waiting is None and not self.is_over:
            answers.append(self._answer(self._queue.popleft()))
        return b"".join(answers)

    def _answer(self, request: Request) -> bytes:
        path = request.path.lower().rstrip("/")
        if path not in {"/wsman", "/wsman-anon/identify"}:
            return self._end(HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return self._end(HTTPStatus.METHOD_NOT_ALLOWED)
        if path != "/wsman" or request.headers.get("wsmanidentify", "").lower() == "unauthenticated":
            return self._identify(request)
        verdict = self._logon.admit(request.headers)
        if not verdict.is_granted:
            status = HTTPStatus.UNAUTHORIZED
            return self._end(status, verdict.tells) if verdict.hangs_up else self._http(status, tells=verdict.tells)
        if not request.body:
            return self._http(HTTPStatus.OK, tells=verdict.tells, keeps_alive=request.keeps_alive)
        return self._open(request, verdict.tells)

    def _open(self, request: Request, tells: tuple[str, ...]) -> bytes:
        """Unseal a request's message and carry it out."""
        is_sealed = multipart.is_sealed(request.headers.get("content-type", ""))
        data = request.body
        if is_sealed:
            if self._logon.sealer is None:
                return self._end(HTTPStatus.INTERNAL_SERVER_ERROR)
            try:
                data = multipart.unwrap(request.body, self._logon.sealer.unseal)
            except (Garbled, BadSignature):
                return self._end(HTTPStatus.BAD_REQUEST)
        elif not self._is_secure:
            return self._end(HTTPStatus.INTERNAL_SERVER_ERROR, tells)
        blank = Message("", "", "", _NOTHING)
        try:
            message = soap.parse(data)
        except Fault as trouble:
            return self._fault(_Asked(blank, is_sealed, tells, request.keeps_alive), trouble)
        return self._carry_out(_Asked(message, is_sealed, tells, request.keeps_alive))

    def _carry_out(self, asked: _Asked) -> bytes:
        try:
            found = self._wsman.handle(asked.message)
            if isinstance(found, str):
                return self._reply(asked, found)
            body = found.answer()
        except Fault as trouble:
            return self._fault(asked, trouble)
        if body is not None:
            return self._reply(asked, body)
        self._waiting = _Waiting(asked, found, self._wsman.host.clock() + asked.message.timeout)
        found.shell.wait(self._wake)
        return b""

    def _identify(self, request: Request) -> bytes:
        """Anybody may ask whether this is WS-Management ([MS-WSMV] 3.1.4.1.23)."""
        try:
            message = soap.parse(request.body)
        except Fault:
            return self._end(HTTPStatus.BAD_REQUEST)
        if not message.is_identify:
            return self._end(HTTPStatus.UNAUTHORIZED, ("Negotiate",))
        answer = soap.bare_answer(config.identity(is_proven=False))
        return self._http(HTTPStatus.OK, answer, kind=_SOAP, keeps_alive=request.keeps_alive)

    def _reply(self, asked: _Asked, body: str) -> bytes:
        message = asked.message
        if message.is_identify:
            return self._send(asked, HTTPStatus.OK, soap.bare_answer(body))
        answer = soap.answer(f"{message.action}Response", message.identity, body)
        return self._send(asked, HTTPStatus.OK, answer)

    def _fault(self, asked: _Asked, trouble: Fault) -> bytes:
        answer = soap.fault_answer(trouble, asked.message.identity, asked.message.machine)
        return self._send(asked, HTTPStatus.INTERNAL_SERVER_ERROR, answer)

    def _send(self, asked: _Asked, status: HTTPStatus, answer: bytes) -> bytes:
        kind, sealer = _SOAP, self._logon.sealer
        if asked.is_sealed and sealer is not None:
            answer, kind = multipart.wrap(answer, sealer.seal), multipart.CONTENT_TYPE
        return self._http(status, answer, kind=kind, tells=asked.tells, keeps_alive=asked.keeps_alive)

    def _http(
        self,
        status: HTTPStatus,
        body: bytes = b"",
        *,
        kind: str = "",
        tells: tuple[str, ...] = (),
        keeps_alive: bool = True,
    ) -> bytes:
        self.is_over = not keeps_alive
        headers: dict[str, str | tuple[str, ...]] = dict(_SERVER)
        if tells:
            headers["WWW-Authenticate"] = tells
        if kind:
            headers["Content-Type"] = kind
        return Response(status, body, headers).to_bytes(keeps_alive=keeps_alive)

    def _end(self, status: HTTPStatus, tells: tuple[str, ...] = ()) -> bytes:
        """The last answer on this connection."""
        return self._http(status, tells=tells, keeps_alive=False)
