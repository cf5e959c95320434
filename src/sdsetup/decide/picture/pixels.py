"""Does an image show anything? Told from its pixels alone.

Broken half precision gives NaN, which is saved as black; some chips give one even color instead.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Literal

# Of 256 levels: what a channel must span at least, and how bright the brightest pixel must be. An image
# of anything, noise too, spans over 100; a broken one spans 0.
_SPAN = 12
_BRIGHT = 16


class PngError(ValueError):
    """These bytes are no PNG that the web UI writes; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """`rows` are unfiltered, 8 bits a channel; `channels` is 1 to 4 (grey, grey+alpha, RGB, RGBA)."""

    width: int
    height: int
    channels: int
    rows: tuple[bytes, ...]


def decode_png(content: bytes) -> Pixels:
    """The pixels of a PNG of 8 bits a channel, not interlaced (what Pillow writes for RGB and grey).

    Raises:
        PngError: for anything else, cut short or damaged.
    """
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise PngError("not a PNG file")
    header, packed = _chunks(content)
    width, height, depth, colour, _compression, _filter, interlace = struct.unpack(">IIBBBBB", header)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(colour)
    if depth != 8 or channels is None or interlace or not 0 < width <= 8192 or not 0 < height <= 8192:
        raise PngError(f"unsupported PNG format (depth {depth}, color type {colour})")
    stride = width * channels
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(packed, (stride + 1) * height)
    except zlib.error as error:
        raise PngError(f"the data is damaged: {error}") from None
    if len(raw) != (stride + 1) * height:
        raise PngError("the data is incomplete")
    return Pixels(width=width, height=height, channels=channels, rows=tuple(_rows(raw, stride, channels)))


def _chunks(content: bytes) -> tuple[bytes, bytes]:
    """The header's 13 bytes and all packed data."""
    header, packed, at = b"", [], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        check = content[at + 8 + length : at + 12 + length]
        if len(check) < 4 or struct.unpack(">I", check)[0] != zlib.crc32(kind + body):
            raise PngError("a part of it is damaged or missing")
        if kind == b"IHDR" and length == 13:
            header = body
        elif kind == b"IDAT":
            packed.append(body)
        elif kind == b"IEND":
            break
        at += 12 + length
    if not header or not packed:
        raise PngError("a part of it is missing")
    return header, b"".join(packed)


def _rows(raw: bytes, stride: int, channels: int) -> list[bytes]:
    """Undoes the five filters of PNG (RFC 2083, section 6)."""
    rows: list[bytes] = []
    above = bytes(stride)
    for start in range(0, len(raw), stride + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        if kind == 1:
            for n in range(channels, stride):
                line[n] = (line[n] + line[n - channels]) & 255
        elif kind == 2:
            line = bytearray((one + up) & 255 for one, up in zip(line, above, strict=True))
        elif kind == 3:
            for n in range(stride):
                left = line[n - channels] if n >= channels else 0
                line[n] = (line[n] + (left + above[n]) // 2) & 255
        elif kind == 4:
            _undo_paeth(line, above, channels)
        elif kind:
            raise PngError(f"unknown filter ({kind})")
        above = bytes(line)
        rows.append(above)
    return rows


def _undo_paeth(line: bytearray, above: bytes, channels: int) -> None:
    for n in range(len(line)):
        left = line[n - channels] if n >= channels else 0
        up = above[n]
        corner = above[n - channels] if n >= channels else 0
        guess = left + up - corner
        far_left, far_up, far_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
        nearest = left if far_left <= far_up and far_left <= far_corner else up if far_up <= far_corner else corner
        line[n] = (line[n] + nearest) & 255


def judge(pixels: Pixels) -> Literal["good", "black", "constant"]:
    """Black: nothing in it shines. Constant: no channel varies. An alpha channel says nothing."""
    colours = pixels.channels - 1 if pixels.channels in (2, 4) else pixels.channels
    spans, brightest = [], 0
    for channel in range(colours):
        values = [row[channel :: pixels.channels] for row in pixels.rows]
        low, high = min(map(min, values)), max(map(max, values))
        spans.append(high - low)
        brightest = max(brightest, high)
    if brightest < _BRIGHT:
        return "black"
    return "constant" if max(spans) < _SPAN else "good"
