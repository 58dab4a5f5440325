"""Small pictures of numbers as PNG, written by hand: a header, the rows deflated, checksums."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np
import numpy.typing as npt

_KINDS = {1: 0, 3: 2, 4: 6}  #: channels -> colour type of the format


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    r"""PNG of pixels (height, width) in grey, or (height, width, 3 or 4) in red, green, blue and opacity.

    Notes
    -----
    W3C, Portable Network Graphics (third edition, 2025): 8 bits a channel, no filter, not interlaced.

    Examples
    --------
    >>> png(np.zeros((2, 3), np.uint8))[:4]
    b'\x89PNG'
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    channels = rows.shape[1] // width
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, _KINDS[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """The picture as an address of its own, for `src` of an image."""
    return f"data:image/png;base64,{b64encode(png(pixels)).decode('ascii')}"
