"""Model files of a few kilobytes, good and bad."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict


def safetensors(*, tensors: int = 3, metadata: bool = True) -> bytes:
    """A file of the right structure: `tensors` half-precision vectors of 64 numbers."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}} if metadata else {}
    for n in range(tensors):
        header[f"layer.{n}"] = {"dtype": "F16", "shape": [8, 8], "data_offsets": [n * 128, (n + 1) * 128]}
    said = json.dumps(header).encode()
    said += b" " * (-len(said) % 8)
    return struct.pack("<Q", len(said)) + said + bytes(range(128)) * tensors


class _Runs:
    """What a malicious file does: names a function that unpickling calls."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("echo this must never run",)


def checkpoint(*, bad: bool = False, program: bytes | None = None) -> bytes:
    """A torch checkpoint since 2020: a zip with a pickle in it."""
    content = program or pickle.dumps(_Runs() if bad else OrderedDict(weights=[1, 2, 3]), protocol=2)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/data/0", bytes(400))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa\nsize 4265146304\n"
)
WEB_PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><html><head><title>Access denied</title></head></html>"
