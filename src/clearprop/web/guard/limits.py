"""What a request may weigh and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds.

    Attributes
    ----------
    body : int
        Of an upload.
    json : int
        Of any other body.
    headers : int
        The request line and all headers.
    connections : int
        Open at once; more are closed at once.
    head_seconds, body_seconds : float
        To send the headers, and the whole body.
    answer_seconds : float
        To take a piece of the answer off the wire.
    """

    body: int = 50 * 2**20
    json: int = 2**20
    headers: int = 16 * 2**10
    connections: int = 64
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    answer_seconds: float = 60.0
