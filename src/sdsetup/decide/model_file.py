"""What a model file is and whether it is complete, from its first and last bytes; it is never loaded."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from sdsetup.text import Text, rounded
from sdsetup.values.shape import misfit

Kind = Literal["safetensors", "pickle", "damaged", "other"]

MODEL_ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
PICKLE_ENDINGS = (".ckpt", ".pt", ".pth", ".bin")

# The library's own limit for the header of a safetensors file.
_LONGEST_HEADER = 100_000_000
_BITS = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
}
_TENSOR = {"dtype": str, "shape": [int], "data_offsets": [int]}
_MOST_SIDES = 64  # torch's own limit for the dimensions of a tensor
_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_SIZE = re.compile(rb"^size (\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a file is. `damage` is a stable word (empty, cut-short, web-page, lfs-pointer, header, trailing,
    unreadable) beside the sentence for users; `tensors` counts what a safetensors header lists."""

    kind: Kind
    size: int
    said: Text
    damage: str | None = None
    tensors: int | None = None


def judge(file: BinaryIO, size: int, name: str) -> Look:
    """What an open file of this size (bytes) and name is. Nothing in it is executed.

    Raises:
        OSError: when it cannot be read.
    """
    if not size:
        return damaged(0, "empty", Text("the file is empty"))
    head = file.read(4096)
    if wrong := _in_disguise(head, size):
        return wrong
    ending = name[name.rfind(".") :].lower()
    if ending == ".safetensors":
        file.seek(0)
        return _judge_safetensors(file, size)
    if head.startswith(b"PK"):
        return _judge_archive(file, size, ending)
    if ending in PICKLE_ENDINGS or head.startswith(b"\x80"):
        return Look(
            kind="pickle", size=size, said=Text("a pickle file, which can run any program when it is loaded")
        )
    return Look(kind="other", size=size, said=Text("not a model file"))


def _in_disguise(head: bytes, size: int) -> Look | None:
    if head.startswith(_LFS):
        said = _LFS_SIZE.search(head)
        known = said is not None and len(said[1]) < 19
        wanted = (
            Text("{number} GB", number=rounded(int(said[1]) / 1e9, 2)) if said and known else Text("the model")
        )
        return damaged(
            size, "lfs-pointer", Text("only a Git LFS pointer was downloaded instead of {model}", model=wanted)
        )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return damaged(size, "web-page", Text("a web page was saved instead of the model"))
    return None


def _judge_safetensors(file: BinaryIO, size: int) -> Look:
    length = int.from_bytes(file.read(8), "little")
    if size < 10 or length > _LONGEST_HEADER:
        return damaged(size, "header", Text("not a valid safetensors file"))
    if length > size - 8:
        return _cut(size, 8 + length)
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        return damaged(size, "header", Text("the file header can't be read"))
    if not isinstance(header, dict):
        return damaged(size, "header", Text("the file header is invalid"))
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    end = _end_of_tensors(tensors)
    if end is None:
        return damaged(size, "header", Text("the file header contradicts itself"))
    whole = 8 + length + end
    if size < whole:
        return _cut(size, whole)
    if size > whole:
        return damaged(size, "trailing", Text("{count} extra bytes at the end", count=f"{size - whole:,}"))
    return Look(
        kind="safetensors",
        size=size,
        said=Text("safetensors file"),
        tensors=len(tensors),
    )


def _end_of_tensors(tensors: Mapping[str, Any]) -> int | None:
    """Where the last tensor ends, or None when tensors overlap, leave gaps, or contradict their shapes."""
    spans = []
    for entry in tensors.values():
        if (
            misfit(entry, _TENSOR) is not None
            or len(entry["data_offsets"]) != 2
            or len(entry["shape"]) > _MOST_SIDES
        ):
            return None
        begin, end = entry["data_offsets"]
        bits = _BITS.get(entry["dtype"])
        count = math.prod(entry["shape"])
        if not (0 <= begin <= end) or (bits is not None and count * bits != (end - begin) * 8):
            return None
        spans.append((begin, end))
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            return None
        position = end
    return position


def _judge_archive(file: BinaryIO, size: int, ending: str) -> Look:
    # A torch checkpoint since 2020 is a zip; its directory stands at the end, so a cut one has none.
    if not zipfile.is_zipfile(file):
        return damaged(size, "cut-short", Text("incomplete: the end of the file is missing"))
    if ending in PICKLE_ENDINGS:
        return Look(
            kind="pickle", size=size, said=Text("a pickle file, which can run any program when it is loaded")
        )
    return Look(kind="other", size=size, said=Text("an archive, not a model"))


def _cut(size: int, whole: int) -> Look:
    return damaged(
        size,
        "cut-short",
        Text("incomplete: {size} of {whole} bytes", size=f"{size:,}", whole=f"{whole:,}"),
    )


def damaged(size: int, damage: str, said: Text) -> Look:
    return Look(kind="damaged", size=size, said=said, damage=damage)
