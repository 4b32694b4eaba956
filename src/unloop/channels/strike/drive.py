"""Carrying an exchange out on a bare socket by callbacks: a window's strike costs no task switch and no timer per message.

The same as ``converse`` does over any link, for less: the socket is registered with the event loop once, and one timer
bounds the whole exchange.
"""

import asyncio
import socket
from typing import Generic

from unloop.channels.base import Deadline
from unloop.channels.mapping import connected
from unloop.channels.strike.exchange import NO_TURN, BeforeProof, Exchange, Framer, Pause, Proof, ResultT, at_once
from unloop.errors import ChannelError, ConnectionLost, DeadlineExceeded, LogonUndecided

CHUNK = 65536


async def drive(
    sock: socket.socket,
    exchange: Exchange[ResultT],
    framer: Framer,
    deadline: Deadline,
    before_proof: BeforeProof = at_once,
) -> ResultT:
    """Carry an exchange out on a connected, non-blocking socket, which stays open; raises ChannelError."""
    driver = _Driver(sock, exchange, framer, deadline, before_proof)
    try:
        driver.begin()
        return await driver.result
    finally:
        driver.end()


class _Driver(Generic[ResultT]):
    """One exchange under way. ``result`` is what it comes to."""

    def __init__(
        self,
        sock: socket.socket,
        exchange: Exchange[ResultT],
        framer: Framer,
        deadline: Deadline,
        before_proof: BeforeProof,
    ) -> None:
        self._sock, self._framer, self._deadline, self._before_proof = sock, framer, deadline, before_proof
        self._descriptor = sock.fileno()
        """What the event loop is told: of the socket itself it would make a text each time."""
        self._loop = asyncio.get_running_loop()
        self._messages = exchange.messages()
        self._unsent = bytearray()
        self._is_listening = self._is_proving = False
        self._waiting: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.result: asyncio.Future[ResultT] = self._loop.create_future()

    def begin(self) -> None:
        """Send what comes first."""
        self._timer = self._loop.call_later(self._deadline.left(), self._late)
        self._advance(None)

    def end(self) -> None:
        """Whatever happened: nothing of it is left in the event loop."""
        self._listen(wanted=False)
        if self._unsent:
            self._loop.remove_writer(self._descriptor)
        for handle in (self._timer, self._waiting):
            if handle is not None:
                handle.cancel()
        self._messages.close()

    def _advance(self, answer: bytes | None) -> None:
        """Tell the exchange an answer and do what it says, as long as there are whole messages; None begins it."""
        while not self.result.done():
            try:
                outgoing = self._messages.send(answer)  # type: ignore[arg-type]
            except StopIteration as end:
                self._settle(end.value)
                return
            except Exception as error:  # noqa: BLE001, RUF100 - whoever waits for the result gets it
                self._fail(error)
                return
            if not isinstance(outgoing, bytes):
                self._wait(outgoing)
                return
            self._send(outgoing)
            answer = self._message()
            if answer is None:
                self._listen(wanted=True)
                return

    def _wait(self, outgoing: Pause | Proof) -> None:
        """Nothing is read while the exchange waits for something else than the host."""
        self._listen(wanted=False)
        if isinstance(outgoing, Pause):
            self._waiting = self._loop.call_later(outgoing.seconds, self._go_on)
        else:
            self._is_proving = True
            self._waiting = self._loop.create_task(self._prove())

    def _go_on(self) -> None:
        self._waiting, self._is_proving = None, False
        self._advance(b"")

    async def _prove(self) -> None:
        try:
            await self._before_proof()
        except ChannelError as error:
            self._throw(error)
        except Exception as error:  # noqa: BLE001, RUF100 - whoever waits for the result gets it
            self._fail(error)
        else:
            self._go_on()

    def _send(self, data: bytes) -> None:
        """At once where the socket takes it, which a fresh one does; behind what it has not taken yet otherwise."""
        if not data:
            return
        is_waiting = bool(self._unsent)
        self._unsent += data
        if not is_waiting and self._has_rest():
            self._loop.add_writer(self._descriptor, self._send_rest)

    def _send_rest(self) -> None:
        if not self._has_rest():
            self._loop.remove_writer(self._descriptor)

    def _has_rest(self) -> bool:
        """Send what the socket takes, and say whether anything is left; a broken connection takes no more."""
        try:
            del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._unsent.clear()
            self._throw(connected(error))
        return bool(self._unsent)

    def _message(self) -> bytes | None:
        if self.result.done():
            return None
        try:
            return self._framer.next()
        except ChannelError as error:
            self._throw(error)
            return None

    def _readable(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._throw(connected(error))
            return
        if not data:
            self._throw(ConnectionLost("the host closed the connection"))
            return
        self._framer.feed(data)
        answer = self._message()
        if answer is not None:
            self._advance(answer)

    def _late(self) -> None:
        late = DeadlineExceeded("no answer came within the time allowed")
        self._throw(LogonUndecided(NO_TURN) if self._is_proving else late)

    def _throw(self, error: ChannelError) -> None:
        """Raise an error where the exchange waits: it may return what it knows, and can ask nothing more."""
        if self.result.done():
            return
        try:
            self._messages.throw(error)
        except StopIteration as end:
            self._settle(end.value)
        except Exception as raised:  # noqa: BLE001, RUF100 - whoever waits for the result gets it
            self._fail(raised)
        else:
            self._fail(error)

    def _listen(self, *, wanted: bool) -> None:
        if wanted and not self._is_listening and not self.result.done():
            self._loop.add_reader(self._descriptor, self._readable)
            self._is_listening = True
        elif not wanted and self._is_listening:
            self._loop.remove_reader(self._descriptor)
            self._is_listening = False

    def _settle(self, value: ResultT) -> None:
        self._listen(wanted=False)
        if not self.result.done():
            self.result.set_result(value)

    def _fail(self, error: Exception) -> None:
        self._listen(wanted=False)
        if not self.result.done():
            self.result.set_exception(error)
