"""Where the page is, and the token without which no request is answered.

The token is new at every start. It travels to the browser behind the # of the address, which browsers send to
nobody, neither as a referrer nor in a request; the page keeps it in the storage of its own origin (scheme,
host and port) and sends it as a header. A cookie would be sent to every server on 127.0.0.1, whatever
its port, and by every page there; a header of this kind is sent by our own scripts alone.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

HOST = "127.0.0.1"
TOKEN_HEADER = b"x-clearprop-token"


@dataclass(frozen=True)
class Address:
    """A port of this machine, and the token of this start.

    Examples
    --------
    >>> Address(8000, "secret").url
    'http://127.0.0.1:8000/#token=secret'
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def host(self) -> str:
        """The only Host that is answered."""
        return HOST if self.port == 80 else f"{HOST}:{self.port}"

    @property
    def origin(self) -> str:
        """The only Origin that is answered."""
        return f"http://{self.host}"

    @property
    def url(self) -> str:
        """What the browser opens."""
        return f"{self.origin}/#token={self.token}"

    def knows(self, token: bytes) -> bool:
        """Whether that is the token, told in a time that does not depend on it."""
        return hmac.compare_digest(token, self.token.encode())
