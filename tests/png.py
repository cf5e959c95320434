"""Writes PNGs for tests, with each of PNG's filters."""

from __future__ import annotations

import struct
import zlib


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: list[bytes], channels: int = 3, filters: tuple[int, ...] = (0,)) -> bytes:
    """Rows of 8 bits a channel; the filters take turns."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", len(rows[0]) // channels, len(rows), 8, colour, 0, 0, 0)
    raw, above = b"", bytes(len(rows[0]))
    for n, row in enumerate(rows):
        kind = filters[n % len(filters)]
        raw += bytes([kind]) + filtered(row, above, channels, kind)
        above = row
    packed = zlib.compress(raw)
    half = len(packed) // 2
    parts = chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:])
    text = chunk(b"tEXt", b"parameters\0a cat, Steps: 4")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + text + parts + chunk(b"IEND", b"")


def filtered(row: bytes, above: bytes, channels: int, kind: int) -> bytes:
    out = bytearray()
    for n, value in enumerate(row):
        left = row[n - channels] if n >= channels else 0
        corner = above[n - channels] if n >= channels else 0
        guess = (0, left, above[n], (left + above[n]) // 2, paeth(left, above[n], corner))[kind]
        out.append((value - guess) & 255)
    return bytes(out)


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def noise(width: int = 32, height: int = 32, channels: int = 3) -> list[bytes]:
    value, rows = 12345, []
    for _ in range(height):
        row = bytearray()
        for _ in range(width * channels):
            value = (value * 1103515245 + 12345) % 2**31
            row.append(value >> 16 & 255)
        rows.append(bytes(row))
    return rows


def plain(colour: tuple[int, ...], width: int = 32, height: int = 32) -> list[bytes]:
    return [bytes(colour) * width for _ in range(height)]
