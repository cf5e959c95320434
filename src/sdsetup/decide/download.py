"""How to react to a server's response and to a finished transfer: the rules of resuming, as pure functions.

A file is pinned by size and SHA-256, so the hash has the last word and no validator (ETag, date) is needed:
content delivery networks change or leave out theirs, and a client that insists on them throws good bytes away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sdsetup.text import Text

# Eighteen digits are more than any file has; Python refuses to read thousands of them.
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"\s*bytes\s+(?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)\s*$", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, kw_only=True)
class ResponseHead:
    """The head of a response, as far as the decision needs it. Lengths in bytes; None when not said."""

    status: int
    length: int | None = None  # Content-Length
    range_start: int | None = None
    total: int | None = None  # the whole file's size, out of Content-Range
    content_type: str = ""
    encoding: str = ""  # Content-Encoding, "" for none
    error_code: str = ""  # the hub's X-Error-Code
    wait: float | None = None  # Retry-After in seconds
    linked_size: int | None = None  # the hub's X-Linked-Size
    linked_sha256: str | None = None  # the hub's X-Linked-Etag, where it is a SHA-256
    redirected: bool = False  # the answer came from another address than the one first asked


@dataclass(frozen=True, kw_only=True)
class Take:
    """Read the body. Its first `skip` bytes are already on the disk and only read past."""

    skip: int = 0
    unpack: bool = False  # the body is gzip although we asked for the plain bytes


@dataclass(frozen=True, kw_only=True)
class AskWhole:
    """Ask again without a range: this server cannot continue where we are."""

    why: Text


@dataclass(frozen=True, kw_only=True)
class Later:
    """The same source may do better after a pause. `wait`: seconds the server asked for."""

    why: Text
    code: str
    wait: float | None = None


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """This source will not deliver the file. `odd`: worth a second look before it is given up, because
    something between us and the server (a portal, a proxy) may have answered in its name."""

    why: Text
    code: str
    odd: bool = False
    wants_token: bool = False


Verdict = Take | AskWhole | Later | Elsewhere


def read_answer(status: int, headers: Mapping[str, str], *, redirected: bool = False) -> ResponseHead:
    """The answer out of a response's headers (names in lower case)."""
    found = _RANGE.match(headers.get("content-range", ""))
    start = int(found[1]) if found and found[1] else None
    total = int(found[3]) if found and found[3] != "*" else None
    encoding = headers.get("content-encoding", "").strip().lower()
    return ResponseHead(
        status=status,
        length=_number(headers.get("content-length")),
        range_start=start,
        total=total,
        content_type=headers.get("content-type", "").split(";")[0].strip().lower(),
        encoding="" if encoding == "identity" else encoding,
        error_code=headers.get("x-error-code", ""),
        redirected=redirected,
    )


def linked(headers: Mapping[str, str]) -> tuple[int | None, str | None]:
    """Size and SHA-256 of the file behind a link, as the hub announces them before it redirects."""
    tag = headers.get("x-linked-etag", "").strip().removeprefix("W/").strip('"')
    return _number(headers.get("x-linked-size")), tag.lower() if _SHA256.fullmatch(tag) else None


def judge(
    answer: ResponseHead, *, asked_from: int, have: int, size: int, sha256: str, asked_to: int | None = None
) -> Verdict:
    """What to do with an answer.

    `asked_from`: first byte we asked for (0: the whole file), `asked_to` the first one we did not (None: all);
    `have`: bytes already on the disk; `size`, `sha256`: what the file is pinned to.
    """
    if answer.linked_sha256 not in (None, sha256) or answer.linked_size not in (None, size):
        return Elsewhere(
            why=Text("this source now has a different file under that name"), code="other-file-at-source"
        )
    if answer.status in (200, 206):
        return _body(answer, asked_from=asked_from, asked_to=asked_to or size, have=have, size=size)
    if answer.status == 416 and asked_from:
        if answer.total in (None, size):
            return AskWhole(why=Text("the server can't resume this download"))
        return _wrong_size(answer.total, size)
    return _refusal(answer)


def _body(answer: ResponseHead, *, asked_from: int, asked_to: int, have: int, size: int) -> Verdict:
    if answer.content_type == "text/html":
        return Elsewhere(
            why=Text("a web page was sent instead of the file, possibly a sign-in page of this network"),
            code="captive-portal",
            odd=True,
        )
    packed = answer.encoding in ("gzip", "x-gzip")
    if answer.encoding and not packed:
        return Elsewhere(
            why=Text("the server sent the file in an unexpected encoding ({name})", name=answer.encoding),
            code="unexpected-encoding",
            odd=True,
        )
    if answer.status == 200:
        if not packed and answer.length not in (None, size):
            return _wrong_size(answer.length, size)
        return Take(skip=have, unpack=packed)
    if packed:
        return AskWhole(why=Text("the server can't resume downloads"))
    return _partial_body(answer, asked_from=asked_from, asked_to=asked_to, have=have, size=size)


def _partial_body(answer: ResponseHead, *, asked_from: int, asked_to: int, have: int, size: int) -> Verdict:
    if answer.content_type == "multipart/byteranges":
        return AskWhole(why=Text("the server can't resume downloads"))
    if answer.total not in (None, size):
        return _wrong_size(answer.total, size)
    start = answer.range_start
    if start is None:
        # No Content-Range: only the length can tell which bytes these are.
        if answer.length in (size - asked_from, asked_to - asked_from):
            return Take(skip=have - asked_from)
        return AskWhole(why=Text("the server can't resume downloads"))
    if start > have or answer.length not in (None, size - start, asked_to - start):
        return AskWhole(why=Text("the server can't resume downloads"))
    return Take(skip=have - start)


def _wrong_size(found: int | None, size: int) -> Verdict:
    return Elsewhere(
        why=Text(
            "the file at this source has {found} bytes instead of {size}", found=f"{found:,}", size=f"{size:,}"
        ),
        code="wrong-size-at-source",
        odd=True,
    )


_FAULT = Text("the server has an internal error")
_LATER = {
    408: Text("the server timed out"),
    425: Text("the server asks to try again later"),
    429: Text("the server received too many requests from this address"),
    500: _FAULT,
    502: Text("a server in between failed"),
    503: Text("the server is overloaded or under maintenance"),
    504: Text("a server in between timed out"),
}


def _refusal(answer: ResponseHead) -> Verdict:
    status = answer.status
    if status in _LATER or status >= 500:
        return Later(
            why=Text(
                "{reason} (HTTP {status})",
                reason=_LATER.get(status, _FAULT),
                status=status,
            ),
            code="too-many-requests" if status == 429 else "server-fault",
            wait=answer.wait,
        )
    if status == 407:
        return Elsewhere(
            why=Text("the proxy requires a user name and password (HTTP 407)"), code="proxy-login-needed"
        )
    if status in (401, 403) and answer.redirected and not answer.error_code:
        # The hub's signed link has expired: ask the hub for a new one.
        return Later(why=Text("the download link has expired (HTTP {status})", status=status), code="link-expired")
    if status in (401, 403):
        return _no_access(answer)
    if status in (404, 410):
        return Elsewhere(why=Text("the file no longer exists (HTTP {status})", status=status), code="gone")
    return Elsewhere(
        why=Text("the server refused the download (HTTP {status})", status=status), code="refused", odd=True
    )


def _no_access(answer: ResponseHead) -> Verdict:
    if answer.error_code in ("GatedRepo", "DisabledRepo"):
        return Elsewhere(
            why=Text("you must accept the authors' license first (HTTP {status})", status=answer.status),
            code="gated",
            wants_token=True,
        )
    return Elsewhere(
        why=Text(
            "the repository was deleted, is private, or requires sign-in (HTTP {status})", status=answer.status
        ),
        code="login-needed",
        wants_token=True,
    )


@dataclass(frozen=True, kw_only=True)
class Publish:
    """The bytes are the pinned file: give them their name."""


@dataclass(frozen=True, kw_only=True)
class StartOver:
    """The joint of old and new bytes may be at fault: once more from zero, from the same source."""


@dataclass(frozen=True, kw_only=True)
class OtherBytes:
    """The source delivers other bytes: keep them under another name, try the next source."""


def after_hash(*, matches: bool, joined: bool, started_over: bool) -> Publish | StartOver | OtherBytes:
    """What to do with a file of the right size once its hash is known.

    `joined`: the bytes did not come in one stream (a resume, of this run or an earlier one);
    `started_over`: this source has already been given a start from zero for that reason.
    """
    if matches:
        return Publish()
    return StartOver() if joined and not started_over else OtherBytes()


def where_to_start(*, part_bytes: int, part_sha256: str | None, size: int, sha256: str) -> int:
    """How many bytes of a part file may be kept (all are still proved by the hash in the end).

    `part_sha256`: what the part's sidecar says it will become; None without a sidecar.
    """
    if part_sha256 not in (None, sha256) or part_bytes > size:
        return 0
    return part_bytes


def worth_another(*, before: float, after: float, connections: int) -> bool:
    """Whether one more connection showed that the host limits each of them.

    Rates in bytes per second; `connections` counts the new one. A host that limits each gives n/(n-1) times
    the rate, a line that is full gives nothing: the bar is half way between.
    """
    return after >= before * (1 + 0.5 / max(1, connections - 1))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text.strip()) else None
