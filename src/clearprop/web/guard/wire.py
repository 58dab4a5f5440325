"""The wire: HTTP/1.1 with a time for the headers of a request and a limit on connections.

uvicorn has neither: a client that sends half a request line would hold its connection for good.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from clearprop.web.guard.headers import HEADERS
from clearprop.web.guard.limits import Limits


class GuardedProtocol(H11Protocol):
    """A connection that is closed unless whole requests come in time."""

    limits: ClassVar[Limits] = Limits()
    _waiting: asyncio.TimerHandle | None = None

    @classmethod
    def with_limits(cls, limits: Limits) -> type[GuardedProtocol]:
        """The protocol with these limits."""
        return type(cls.__name__, (cls,), {"limits": limits})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.abort()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on; the time of a request runs until its headers are whole."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._rest()
        elif self._waiting is None and (before is None or before.response_complete):
            self._wait()  # the next request on this connection has begun

    def send_400_response(self, msg: str) -> None:
        """Say what is no HTTP, with the headers of every answer."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *HEADERS]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=msg.encode("ascii")),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its time."""
        self._rest()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.limits.head_seconds, self._leave)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _leave(self) -> None:
        self._waiting = None
        cast(Any, self.transport).abort()
