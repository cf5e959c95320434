"""The resume table: what to make of an answer, of a part, of a hash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.decide.download import (
    AskWhole,
    Elsewhere,
    Later,
    OtherBytes,
    Publish,
    ResponseHead,
    StartOver,
    Take,
    after_hash,
    judge,
    linked,
    read_answer,
    where_to_start,
)

SIZE, HAVE = 1000, 400
SHA = "a" * 64


def verdict(answer: ResponseHead, *, asked_from: int = HAVE, have: int = HAVE):
    return judge(answer, asked_from=asked_from, have=have, size=SIZE, sha256=SHA)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ResponseHead(status=206, range_start=400, total=SIZE, length=600), Take()),
        (ResponseHead(status=206, range_start=400, total=None, length=None), Take()),
        (ResponseHead(status=206, range_start=300, total=SIZE, length=700), Take(skip=100)),
        (ResponseHead(status=206, length=600), Take()),
        (ResponseHead(status=200, length=SIZE), Take(skip=400)),
        (ResponseHead(status=200), Take(skip=400)),
        (ResponseHead(status=200, length=77, encoding="gzip"), Take(skip=400, unpack=True)),
    ],
)
def test_bodies_that_are_taken(answer: ResponseHead, expected: Take) -> None:
    assert verdict(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        ResponseHead(status=206, range_start=500, total=SIZE, length=500),
        ResponseHead(status=206, range_start=400, total=SIZE, length=599),
        ResponseHead(status=206),
        ResponseHead(status=206, length=601),
        ResponseHead(status=206, range_start=400, total=SIZE, length=600, encoding="gzip"),
        ResponseHead(status=206, content_type="multipart/byteranges", length=700),
        ResponseHead(status=416, total=SIZE),
        ResponseHead(status=416),
    ],
)
def test_ranges_that_cannot_be_joined_are_asked_for_whole(answer: ResponseHead) -> None:
    assert isinstance(verdict(answer), AskWhole)


@pytest.mark.parametrize(
    ("answer", "code", "odd"),
    [
        (ResponseHead(status=200, length=SIZE - 1), "wrong-size-at-source", True),
        (ResponseHead(status=206, range_start=400, total=SIZE + 1, length=601), "wrong-size-at-source", True),
        (ResponseHead(status=416, total=10), "wrong-size-at-source", True),
        (ResponseHead(status=200, content_type="text/html"), "captive-portal", True),
        (ResponseHead(status=200, encoding="br"), "unexpected-encoding", True),
        (ResponseHead(status=404), "gone", False),
        (ResponseHead(status=410), "gone", False),
        (ResponseHead(status=407), "proxy-login-needed", False),
        (ResponseHead(status=401), "login-needed", False),
        (ResponseHead(status=403, error_code="GatedRepo"), "gated", False),
        (ResponseHead(status=403, error_code="GatedRepo", redirected=True), "gated", False),
        (ResponseHead(status=304), "refused", True),
        (ResponseHead(status=206, range_start=400, linked_sha256="b" * 64), "other-file-at-source", False),
        (ResponseHead(status=302, linked_size=5), "other-file-at-source", False),
    ],
)
def test_sources_that_will_not_deliver(answer: ResponseHead, code: str, odd: bool) -> None:
    said = verdict(answer)
    assert isinstance(said, Elsewhere)
    assert (said.code, said.odd) == (code, odd)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_what_may_be_better_later(status: int) -> None:
    said = verdict(ResponseHead(status=status, wait=7.0))
    assert isinstance(said, Later)
    assert said.wait == 7.0


@pytest.mark.parametrize("status", [401, 403])
def test_a_link_behind_a_redirect_may_have_run_out(status: int) -> None:
    said = verdict(ResponseHead(status=status, redirected=True))
    assert isinstance(said, Later)
    assert said.code == "link-expired"


@given(
    st.builds(
        ResponseHead,
        status=st.integers(100, 599),
        length=st.none() | st.integers(0, 2 * SIZE),
        range_start=st.none() | st.integers(0, 2 * SIZE),
        total=st.none() | st.integers(0, 2 * SIZE),
        content_type=st.sampled_from(["", "text/html", "application/octet-stream", "multipart/byteranges"]),
        encoding=st.sampled_from(["", "gzip", "br"]),
    ),
    st.integers(0, SIZE - 1),
    st.booleans(),
)
def test_a_body_that_is_taken_always_begins_at_or_before_what_is_missing(
    answer: ResponseHead, have: int, from_zero: bool
) -> None:
    asked_from = 0 if from_zero else have
    said = judge(answer, asked_from=asked_from, have=have, size=SIZE, sha256=SHA)
    if isinstance(said, Take):
        assert 0 <= said.skip <= have
        begins = have - said.skip
        if answer.status == 206 and answer.range_start is not None:
            assert begins == answer.range_start
        if not said.unpack and answer.length is not None:
            assert begins + answer.length == SIZE


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-range": "bytes 5-9/10"}, (5, 10)),
        ({"content-range": " BYTES 5-9/* "}, (5, None)),
        ({"content-range": "bytes */10"}, (None, 10)),
        ({"content-range": "items 5-9/10"}, (None, None)),
        ({"content-range": "bytes 5-9"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_content_range(headers: dict[str, str], expected: tuple[int | None, int | None]) -> None:
    answer = read_answer(206, headers)
    assert (answer.range_start, answer.total) == expected


def test_headers_are_read_with_care() -> None:
    answer = read_answer(
        200, {"content-length": "-5", "content-type": "Text/HTML; charset=x", "content-encoding": "Identity"}
    )
    assert (answer.length, answer.content_type, answer.encoding) == (None, "text/html", "")


VALUES = st.text() | st.from_regex(r"(bytes )?[0-9*-]{0,5}[0-9]{0,6000}[/-]?[0-9٣*]{0,6000}")
NAMES = st.sampled_from(
    ["content-range", "content-length", "content-type", "content-encoding", "x-linked-size", "x-linked-etag"]
)


@given(st.integers(100, 999), st.dictionaries(NAMES, VALUES), st.sampled_from([0, HAVE]))
def test_any_headers_lead_to_a_verdict(status: int, headers: dict[str, str], asked_from: int) -> None:
    linked(headers)
    assert verdict(read_answer(status, headers), asked_from=asked_from) is not None


def test_what_the_hub_announces() -> None:
    assert linked({"x-linked-size": "7", "x-linked-etag": f'W/"{SHA.upper()}"'}) == (7, SHA)
    assert linked({"x-linked-etag": '"0a1b"'}) == (None, None), "a git hash is no SHA-256"
    assert linked({}) == (None, None)


@pytest.mark.parametrize(
    ("matches", "joined", "started_over", "expected"),
    [
        (True, True, True, Publish),
        (True, False, False, Publish),
        (False, True, False, StartOver),
        (False, True, True, OtherBytes),
        (False, False, False, OtherBytes),
    ],
)
def test_after_the_hash(matches: bool, joined: bool, started_over: bool, expected: type) -> None:
    assert isinstance(after_hash(matches=matches, joined=joined, started_over=started_over), expected)


@pytest.mark.parametrize(
    ("part_bytes", "part_sha256", "expected"),
    [(0, None, 0), (400, None, 400), (400, SHA, 400), (400, "b" * 64, 0), (1001, SHA, 0), (1000, SHA, 1000)],
)
def test_where_to_start(part_bytes: int, part_sha256: str | None, expected: int) -> None:
    assert where_to_start(part_bytes=part_bytes, part_sha256=part_sha256, size=SIZE, sha256=SHA) == expected
