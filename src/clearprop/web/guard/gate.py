"""The gate: ASGI middleware through which every request and every answer passes.

It answers refused requests itself, counts a body while it streams (with or without Content-Length), gives
bodies and slow readers a time, and puts the same headers on every answer, errors included.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from clearprop.web.guard import judging
from clearprop.web.guard.address import Address
from clearprop.web.guard.headers import HEADERS
from clearprop.web.guard.limits import Limits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger("clearprop.web")


class TooMuch(Exception):  # noqa: N818 - it says what happened
    """A body beyond its size or its time, with the status to answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Gate:
    """An application behind its rules."""

    def __init__(self, application: Application, address: Address, limits: Limits | None = None) -> None:
        self.application, self.address, self.limits = application, address, limits or Limits()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or let it pass."""
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a web socket is never accepted
        answer = _Answer(send, self.limits.answer_seconds)
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        try:
            found = judging.refusal(
                self.address, self.limits, scope["method"], scope["path"], scope["headers"], target
            )
            if found is not None:
                await answer.say(found.status, found.why)
                return
            if scope["method"] not in judging.READING:
                most = judging.most(self.limits, scope["headers"])
                receive = _Body(receive, most, self.limits.body_seconds)
            await self.application(scope, receive, answer)
        except TooMuch as error:
            await answer.say(error.status, str(error))
        except Exception:
            log.exception("a request to %s failed", scope["path"])
            await answer.say(500, "something went wrong in the server; its terminal shows what")


class _Body:
    """A body that is counted and timed while it comes."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self.receive, self.most, self.seconds = receive, most, seconds
        self.seen, self.until, self.ended = 0, 0.0, False

    async def __call__(self) -> Message:
        if self.ended:
            return await self.receive()  # the end of the connection, which may take its time
        now = asyncio.get_running_loop().time()
        self.until = self.until or now + self.seconds
        try:
            message = await asyncio.wait_for(self.receive(), max(self.until - now, 0.001))
        except TimeoutError:
            raise TooMuch(408, f"a body is sent within {self.seconds:g} seconds") from None
        self.seen += len(message.get("body", b""))
        if self.seen > self.most:
            raise TooMuch(413, f"a body of this kind is {self.most:,} bytes at most")
        self.ended = not message.get("more_body", False)
        return message


class _Answer:
    """An answer on its way: its headers are completed, and a reader who takes nothing is left."""

    def __init__(self, send: Send, seconds: float) -> None:
        self.send, self.seconds, self.started = send, seconds, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = {name for name, _ in HEADERS}
            kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in own]
            message = {**message, "headers": [*kept, *HEADERS]}
        await asyncio.wait_for(self.send(message), self.seconds)

    async def say(self, status: int, why: str) -> None:
        """Answer with one sentence, and close the connection: what follows on it is not read."""
        if self.started:
            return
        body = json.dumps({"error": why}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})
