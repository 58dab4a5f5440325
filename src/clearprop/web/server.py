"""The server: a socket on this machine alone, the application behind its guard, and the browser."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.config import Config

from clearprop.errors import SpecificationError
from clearprop.tables import Table
from clearprop.web.application import application
from clearprop.web.bench.bench import Bench
from clearprop.web.guard.address import HOST, Address
from clearprop.web.guard.gate import Gate
from clearprop.web.guard.limits import Limits
from clearprop.web.guard.wire import GuardedProtocol

BACKLOG = 64
GOODBYE_SECONDS = 1


class Served:
    """A page that is ready to be served: its socket is bound, so its address is known.

    Parameters
    ----------
    port : int
        0 for a free one.
    fresh : callable
        Makes the bench of a new tab.
    table : Table, optional
        That its menu has, beside the sets.

    Raises
    ------
    SpecificationError
        When the port cannot be had.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        fresh: Callable[[], Bench] = Bench,
        table: Table | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.socket = _bound(port)
        self.address = Address(self.socket.getsockname()[1])
        limits = limits or Limits()
        self.application = application(fresh, table)
        app: Any = Gate(self.application, self.address, limits)
        self.server = uvicorn.Server(
            Config(
                app,
                http=GuardedProtocol.with_limits(limits),
                ws="none",
                loop="asyncio",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=int(limits.head_seconds),
                timeout_graceful_shutdown=GOODBYE_SECONDS,
                h11_max_incomplete_event_size=limits.headers,
            )
        )

    def run(self, *, browser: bool = False) -> None:
        """Serve until told to stop (Ctrl-C)."""
        if browser:
            webbrowser.open(self.address.url)
        self.server.run(sockets=[self.socket])

    def stop(self) -> None:
        """Tell it to stop, from another thread."""
        self.server.should_exit = True


def _bound(port: int) -> socket.socket:
    if not 0 <= port < 2**16:
        raise SpecificationError(f"a port is a number from 0 to 65535, not {port}")
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise SpecificationError(
            f"port {port} cannot be had ({error.strerror}); choose another, or 0 for a free one"
        ) from None
    return made
