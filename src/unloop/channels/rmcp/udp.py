"""One UDP socket per event loop for any number of BMCs: scripts are run over it, datagrams go to whom they are meant for."""

import asyncio
import contextlib
import errno
import os
import socket
import struct
from typing import TypeVar

from unloop.channels.base import Deadline
from unloop.channels.rmcp.script import Pause, Say, Script
from unloop.errors import Busy, ChannelError, DeadlineExceeded, Refused, Unreachable

ResultT = TypeVar("ResultT")
Peer = tuple[str, int]
_RECEIVE_BUFFER = 4 << 20
_AT_ONCE = 256
_SIZE = 2048
_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
"""IP_RECVERR and IPV6_RECVERR of Linux (ip(7)): an ICMP error comes with the address that it is about."""
_SEND_TRIES = 3


class UdpPort:
    """A socket of one address family on the running loop. Close it before the loop ends."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self._loop = asyncio.get_running_loop()
        self._conversations: dict[Peer, Conversation] = {}
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.setsockopt(*_RECVERR[family], 1)
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Give the socket back; may be called twice."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def conversation(self, peer: Peer) -> "Conversation":
        """What is said with one BMC from now on; raises Busy when it has another one, perhaps under another name."""
        if peer in self._conversations:
            raise Busy("another session of ours with this BMC has not ended")
        found = Conversation(self, peer)
        self._conversations[peer] = found
        return found

    def forget(self, conversation: "Conversation") -> None:
        """Nothing more is expected from this BMC."""
        self._conversations.pop(conversation.peer, None)

    def send(self, datagram: bytes, peer: Peer) -> None:
        """Send one datagram. What the kernel has to tell of an earlier one is put aside: it comes by the error queue.

        A datagram that finds no room is lost, as on any other network.
        """
        for _ in range(_SEND_TRIES):
            try:
                self._socket.sendto(datagram, peer)
            except BlockingIOError:
                return
            except OSError as error:
                failure = error
                self._read_errors()
            else:
                return
        self._tell_error(peer, failure.errno or 0)

    def _readable(self) -> None:
        for count in range(_AT_ONCE):
            try:
                datagram, address = self._socket.recvfrom(_SIZE)
            except BlockingIOError:
                if not count:
                    self._read_errors()
                return
            except OSError:
                self._read_errors()
                continue
            conversation = self._conversations.get(address[:2])
            if conversation is not None:
                conversation.hear(datagram)

    def _read_errors(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                _, ancillary, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
                for _, _, data in ancillary:
                    number = struct.unpack_from("=I", data)[0]
                    self._tell_error(address[:2], number)

    def _tell_error(self, peer: Peer, number: int) -> None:
        conversation = self._conversations.get(peer)
        if conversation is not None:
            conversation.fail(number)


class Conversation:
    """Runs scripts with one BMC, one after the other."""

    def __init__(self, port: UdpPort, peer: Peer) -> None:
        self.peer = peer
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._say: Say | None = None
        self._answer: asyncio.Future[object] | None = None

    def close(self) -> None:
        """Hear nothing any more."""
        self._port.forget(self)

    async def run(self, script: Script[ResultT], deadline: Deadline) -> ResultT:
        """Carry a script out; raises what the script raises. One that is cancelled says its farewells."""
        try:
            step = next(script)
            while True:
                try:
                    heard = await self._carry(step, deadline)
                except ChannelError as error:
                    step = script.throw(error)
                else:
                    step = script.send(heard)
        except StopIteration as end:
            result: ResultT = end.value
            return result
        except asyncio.CancelledError:
            self._part(script)
            raise

    def _part(self, script: Script[ResultT]) -> None:
        with contextlib.suppress(StopIteration, ChannelError):
            step = script.throw(DeadlineExceeded("cancelled"))
            while isinstance(step, Say) and not step.wait:
                self._port.send(step.datagram, self.peer)
                step = script.send(None)
        script.close()

    def hear(self, datagram: bytes) -> None:
        """A datagram came from the BMC's address: it is an answer, or nothing."""
        if self._say is None or self._answer is None or self._answer.done():
            return
        heard = self._say.hears(datagram)
        if heard is not None:
            self._answer.set_result(heard)

    def fail(self, number: int) -> None:
        """The network said that nobody gets what is sent there."""
        if self._say is not None and self._say.heeds_errors and self._answer is not None and not self._answer.done():
            self._answer.set_exception(_meaning(number))

    async def _carry(self, step: Say | Pause, deadline: Deadline) -> object:
        if isinstance(step, Pause):
            await asyncio.sleep(min(step.seconds, deadline.left()))
            return None
        if not step.wait:
            self._port.send(step.datagram, self.peer)
            return None
        left = deadline.left()
        self._say, self._answer = step, self._loop.create_future()
        timer = self._loop.call_later(min(step.wait, left), _expire, self._answer)
        try:
            self._port.send(step.datagram, self.peer)
            return await self._answer
        finally:
            timer.cancel()
            self._say = self._answer = None


def _expire(answer: "asyncio.Future[object]") -> None:
    if not answer.done():
        answer.set_result(None)


def _meaning(number: int) -> Unreachable:
    """What an ICMP error, or one of our own machine, says of a BMC."""
    if number == errno.ECONNREFUSED:
        return Refused("the BMC's port is closed")
    return Unreachable(f"no packet gets there: {os.strerror(number).lower()}")
