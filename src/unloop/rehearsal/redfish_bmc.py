"""A simulated BMC that speaks Redfish over HTTPS: the asyncio shell around the service."""

import asyncio
import ssl
import time
from typing import Any, Protocol

from unloop.rehearsal.http1 import BadRequest, Request, RequestReader, Response
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.redfish_service import RedfishService


class Service(Protocol):
    """Answers requests; None means that the connection breaks instead."""

    def answer(self, request: Request, now: float) -> Response | None:
        """Carry out one request."""
        ...


class _Connection(asyncio.Protocol):
    def __init__(self, service: Service) -> None:
        self._service = service
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            requests = self._reader.feed(data)
        except BadRequest as error:
            transport.write(Response(error.status).to_bytes(keeps_alive=False))
            transport.close()
            return
        for request in requests:
            response = self._service.answer(request, time.monotonic())
            if response is None:
                transport.abort()
                return
            transport.write(response.to_bytes(keeps_alive=request.keeps_alive))
            if not request.keeps_alive:
                transport.close()
                return


async def serve(machine: Machine, address: str, port: int, context: ssl.SSLContext) -> asyncio.Server:
    """Answer Redfish for a machine until the server is closed."""
    return await serve_with(RedfishService(machine), address, port, context)


async def serve_with(service: Service, address: str, port: int, context: ssl.SSLContext) -> asyncio.Server:
    """The same with a service of one's own."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(service), address, port, ssl=context, reuse_address=True)
