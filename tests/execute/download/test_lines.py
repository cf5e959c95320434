"""Lines and servers that break in the middle: the file arrives whole, and little is fetched twice."""

from __future__ import annotations

import time

import pytest
from download_bench import CONTENT, SIZE, Bench
from faulty_hub import (
    chunked,
    drop,
    flipped,
    hang_up,
    ignores_range,
    lying_length,
    multipart,
    no_content_range,
    no_content_range_nor_length,
    no_length,
    other_content,
    packed,
    raw,
    silent,
    stall,
    status,
    trickle,
    whole,
    wrong_bytes_in_range,
    wrong_start,
)

from sdsetup.errors import SdsetupError

HALF = SIZE // 2


def test_a_good_line_gives_the_file_in_one_request(bench: Bench) -> None:
    bench.hub.answer("/file", whole)
    fetched = bench.get()
    assert bench.right()
    assert (fetched.transferred_bytes, fetched.resumed_from, fetched.reused_from) == (SIZE, 0, None)
    (request,) = bench.hub.requests
    assert request.headers["accept-encoding"] == "identity"
    assert "range" not in request.headers
    assert sorted(path.name for path in bench.target.parent.iterdir()) == ["model.bin"]


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_line_that_ends_in_the_middle_is_continued(bench: Bench, reset: bool) -> None:
    bench.hub.answer("/file", drop(HALF, reset=reset), whole)
    assert bench.get().transferred_bytes == SIZE
    assert bench.right()
    assert bench.hub.requests[1].start == HALF
    assert bench.hub.served == SIZE


def test_a_line_that_breaks_every_time_still_ends_with_the_file(bench: Bench) -> None:
    bench.hub.answer("/file", drop(SIZE // 40))
    bench.get(fruitless=2)
    assert bench.right()
    assert len(bench.hub.requests) == 41 or len(bench.hub.requests) == 40
    assert bench.hub.served == SIZE


def test_chunks_arrive_as_they_should(bench: Bench) -> None:
    bench.hub.answer("/file", chunked())
    bench.get()
    assert bench.right()


@pytest.mark.parametrize("broken", [chunked(cut=HALF), chunked(short=HALF), no_length(short=HALF)],
                         ids=["inside-a-chunk", "clean-end-too-early", "no-length"])  # fmt: skip
def test_fewer_bytes_than_the_file_has_are_continued_not_believed(bench: Bench, broken) -> None:
    bench.hub.answer("/file", broken, whole)
    bench.get()
    assert bench.right()
    assert HALF - 10_000 <= bench.hub.requests[1].start <= HALF + 10_000
    assert bench.hub.served <= SIZE + 10_000


def test_a_body_without_a_length_is_fine(bench: Bench) -> None:
    bench.hub.answer("/file", no_length())
    bench.get()
    assert bench.right()


def test_bytes_after_the_end_are_not_taken(bench: Bench) -> None:
    bench.hub.answer("/file", chunked(extra=b"and more" * 1000))
    bench.get()
    assert bench.right()


@pytest.mark.parametrize("length", [SIZE + 100, SIZE - 100, 0], ids=["longer", "shorter", "empty"])
def test_another_length_than_the_pinned_one_is_not_downloaded(bench: Bench, length: int) -> None:
    bench.hub.answer("/file", lying_length(length))
    with pytest.raises(SdsetupError) as caught:
        bench.get()
    assert caught.value.code == "wrong-size-at-source"
    assert not bench.target.exists()
    assert len(bench.hub.requests) == 2  # one second look: a proxy may have answered for the server


def test_a_wrong_length_once_gets_a_second_look(bench: Bench) -> None:
    bench.hub.answer("/file", lying_length(SIZE + 5), whole)
    bench.get()
    assert bench.right()


def test_a_line_that_stands_still_is_broken_and_continued(bench: Bench) -> None:
    bench.hub.answer("/file", stall(HALF), whole)
    began = time.monotonic()
    bench.get()
    assert bench.right()
    assert bench.hub.served == SIZE
    assert 0.7 < time.monotonic() - began < 20, "the server holds it for 20 s"


def test_a_server_that_never_answers_is_asked_again(bench: Bench) -> None:
    bench.hub.answer("/file", silent(), whole)
    bench.get()
    assert bench.right()


def test_a_slow_line_that_moves_is_never_cut(bench: Bench) -> None:
    # 40 kB/s against a floor of 20 kB/s, for longer than the stall time.
    bench.content = bench.hub.content = CONTENT[:100_000]
    bench.hub.answer("/file", trickle(block=2_000, pause=0.05))
    bench.get(stall_rate=10_000, stall_seconds=1)
    assert bench.right()
    assert len(bench.hub.requests) == 1


def test_the_bar_moves_on_a_trickle(bench: Bench) -> None:
    bench.content = bench.hub.content = CONTENT[:20_000]
    bench.hub.answer("/file", trickle(block=1_000, pause=0.05))
    bench.get()
    seen = {event.done for event in bench.events if event.kind == "progress"}
    assert len(seen) >= 5


def test_a_trickle_below_the_floor_is_broken_and_the_rest_comes_at_once(bench: Bench) -> None:
    bench.hub.answer("/file", trickle(block=10, pause=0.05), whole)
    bench.get()
    assert bench.right()
    assert len(bench.hub.requests) == 2


def test_a_packed_body_is_unpacked(bench: Bench) -> None:
    bench.hub.answer("/file", packed)
    bench.get()
    assert bench.right()


def test_a_packed_body_after_half_of_the_file(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), packed)
    bench.get()
    assert bench.right()


@pytest.mark.parametrize(
    "server",
    [
        ignores_range,
        wrong_start(+1000),
        wrong_start(-1000),
        no_content_range,
        no_content_range_nor_length,
        multipart,
        wrong_bytes_in_range,
    ],
    ids=[
        "ignored",
        "later-start",
        "earlier-start",
        "no-content-range",
        "no-range-no-length",
        "multipart",
        "wrong-bytes",
    ],
)
def test_servers_that_do_ranges_badly(bench: Bench, server) -> None:
    bench.hub.answer("/file", drop(HALF), server)
    bench.get()
    assert bench.right()


def test_a_server_without_ranges_keeps_the_part_when_it_breaks_again(bench: Bench) -> None:
    def ignores_and_breaks(exchange) -> None:
        exchange.head(200, {"Content-Length": SIZE})
        exchange.body(CONTENT[:1000])

    bench.hub.answer("/file", drop(HALF), ignores_and_breaks, ignores_range)
    bench.get()
    assert bench.right()


def test_a_refused_range_of_a_good_part_is_asked_for_whole(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), status(416, Content_Range=f"bytes */{SIZE}"), whole)
    bench.get()
    assert bench.right()
    assert "range" not in bench.hub.requests[2].headers


def test_a_file_that_shrank_at_the_source_is_refused(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), status(416, Content_Range=f"bytes */{HALF - 5}"))
    with pytest.raises(SdsetupError) as caught:
        bench.get()
    assert caught.value.code == "wrong-size-at-source"
    assert bench.part.stat().st_size == HALF


def test_a_mismatch_after_a_resume_starts_over_once(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), wrong_bytes_in_range, whole)
    bench.get()
    assert bench.right()
    assert not bench.bad.exists()
    assert [request.start for request in bench.hub.requests] == [0, HALF, 0]


def test_a_wrong_byte_without_a_resume_is_the_servers_fault(bench: Bench) -> None:
    bench.hub.answer("/file", flipped(1234), whole)
    with pytest.raises(SdsetupError) as caught:
        bench.get()
    assert caught.value.code == "wrong-hash"
    assert not bench.target.exists()
    assert bench.bad.stat().st_size == SIZE
    assert bench.bad.name in str(caught.value.why)
    bench.get()  # the same command again
    assert bench.right()


def test_another_file_of_the_same_size_is_set_aside(bench: Bench) -> None:
    bench.hub.answer("/file", other_content(CONTENT[::-1]))
    with pytest.raises(SdsetupError) as caught:
        bench.get()
    assert caught.value.code == "wrong-hash"
    assert bench.bad.read_bytes() == CONTENT[::-1]
    assert (not bench.target.exists() and not bench.part.exists()) or bench.part.stat().st_size == 0


def test_content_that_changes_under_way_ends_in_a_refusal(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), other_content(CONTENT[::-1]))
    with pytest.raises(SdsetupError) as caught:
        bench.get()
    assert caught.value.code == "wrong-hash"
    assert not bench.target.exists()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (hang_up, "empty-answer"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "not-http"),
        (raw(b"HTTP/1.1 200"), "not-http"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 1\r\n" * 20_000), "not-http"),
    ],
    ids=["nothing", "other-protocol", "cut-head", "endless-head"],
)
def test_what_is_not_an_answer_is_asked_again_and_then_named(bench: Bench, answer, code: str) -> None:
    bench.hub.answer("/file", answer)
    with pytest.raises(SdsetupError) as caught:
        bench.get(fruitless=2)
    assert caught.value.code == code
    assert len(bench.hub.requests) == 3
    bench.hub.answer("/file", answer, whole)
    bench.get()
    assert bench.right()


def test_interim_answers_are_read_past(bench: Bench) -> None:
    def act(exchange) -> None:
        exchange.line.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        whole(exchange)

    bench.hub.answer("/file", act)
    bench.get()
    assert bench.right()


def test_the_total_of_tries_is_bounded(bench: Bench) -> None:
    bench.hub.answer("/file", drop(10))
    with pytest.raises(SdsetupError) as caught:
        bench.get(attempts=7, first_pause=0.001)
    assert caught.value.code == "too-many-tries"
    assert len(bench.hub.requests) == 7
    assert bench.part.stat().st_size == 70


def test_a_limit_is_kept(bench: Bench) -> None:
    bench.content = bench.hub.content = CONTENT[:200_000]
    bench.hub.answer("/file", whole)
    began = time.monotonic()
    bench.get(limit_rate=200_000)
    assert time.monotonic() - began > 0.8
    assert bench.right()
