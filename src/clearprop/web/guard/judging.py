"""Whether a request may pass, from its method and headers alone: `refusal` says why not.

Every rule holds on every path. A page of another site cannot send our Host (rebinding), nor hide its Origin
on a request that does something, nor put the token into a header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.web.guard.address import TOKEN_HEADER, Address
from clearprop.web.guard.limits import Limits

Headers = Sequence[tuple[bytes, bytes]]

READING = ("GET", "HEAD")
METHODS = (*READING, "POST")
JSON, UPLOAD = b"application/json", b"application/octet-stream"
#: what a browser says of a request that our own page makes, or that somebody typed
SITES = (b"same-origin", b"none")
#: paths that are answered without the token: they hold no data
OPEN = ("/", "/static/")


@dataclass(frozen=True)
class Refusal:
    """A status and one sentence."""

    status: int
    why: str


def refusal(
    address: Address, limits: Limits, method: str, path: str, headers: Headers, target: int = 0
) -> Refusal | None:
    """Why a request is refused, or None; `target` is the length of path and query as they were sent.

    Examples
    --------
    >>> here = Address(8000, "secret")
    >>> refusal(here, Limits(), "GET", "/", [(b"host", b"127.0.0.1:8000")]) is None
    True
    >>> refusal(here, Limits(), "GET", "/", [(b"host", b"evil.example")])
    Refusal(status=421, why='this server answers 127.0.0.1:8000 alone')
    """
    if sum(len(name) + len(value) + 4 for name, value in headers) + target > limits.headers:
        return Refusal(431, f"headers are {limits.headers:,} bytes at most")
    if only(headers, b"host") != address.host.encode():
        return Refusal(421, f"this server answers {address.host} alone")
    origin = only(headers, b"origin")
    if origin is not None and origin != address.origin.encode():
        return Refusal(403, "requests from other origins are not answered")
    site = only(headers, b"sec-fetch-site")
    if site is not None and site not in SITES:
        return Refusal(403, "requests from other sites are not answered")
    if method not in METHODS:
        return Refusal(405, f"methods are {', '.join(METHODS)}")
    reading = method in READING
    if not reading and origin is None:
        return Refusal(403, "a request that changes something names its origin")
    if not (path == OPEN[0] or path.startswith(OPEN[1])) or not reading:
        token = only(headers, TOKEN_HEADER)
        if token is None or not address.knows(token):
            return Refusal(401, "the token is missing or wrong; open the address that the server printed")
    return None if reading else _body_refusal(limits, headers)


def _body_refusal(limits: Limits, headers: Headers) -> Refusal | None:
    kind = only(headers, b"content-type")
    if kind not in (JSON, UPLOAD):
        return Refusal(415, "a body is application/json, or application/octet-stream for an upload")
    length = only(headers, b"content-length")
    if length is not None and (
        not length.isdigit() or len(length) > 18 or int(length) > most(limits, headers)
    ):
        return Refusal(413, f"a body of this kind is {most(limits, headers):,} bytes at most")
    return None


def most(limits: Limits, headers: Headers) -> int:
    """Bytes that a body of this kind may have."""
    return limits.body if only(headers, b"content-type") == UPLOAD else limits.json


def only(headers: Headers, name: bytes) -> bytes | None:
    """Value of a header, None if it is missing; one that stands twice is no value that any rule allows."""
    values = [value for key, value in headers if key == name]
    return values[0] if len(values) == 1 else b"," if values else None
