"""More connections, only where the host limits each one; and whatever happens to them, the file is right."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from download_bench import QUICK, Bench
from faulty_hub import Exchange, FaultyHub, status

from sdsetup.decide.download import worth_another
from sdsetup.errors import SdsetupError

SIZE = 2_000_000
DATA = random.Random(9).randbytes(SIZE)
EACH = 600_000  # bytes per second

EAGER = replace(
    QUICK,
    trial_after=0.4,
    trial_seconds=0.5,
    trial_worth=1,
    piece_least=100_000,
    piece_most=200_000,
)


# What a line's speed shows is read from the clock: a machine that does other things at the same time shows
# something else, so these two are for a quiet one. What is decided from speeds is tested below without a clock.
by_the_clock = pytest.mark.skipif(
    "SDSETUP_TEST_TIMING" not in os.environ, reason="reads speeds: set SDSETUP_TEST_TIMING on a quiet machine"
)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.content = bench.hub.content = DATA
    bench.options = EAGER
    return bench


def span(exchange: Exchange) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.request.headers.get("range", "bytes=0-"))
    assert found
    return int(found[1]), int(found[2]) + 1 if found[2] else len(exchange.content)


def head(exchange: Exchange) -> bytes:
    start, end = span(exchange)
    size = len(exchange.content)
    said = {"Content-Length": end - start, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    exchange.head(206 if "range" in exchange.request.headers else 200, said)
    return exchange.content[start:end]


def limits_each(exchange: Exchange) -> None:
    exchange.body(head(exchange), block=8_000, pause=8_000 / EACH)


class Full:
    """A line that is full: all connections together get one rate."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        data = head(exchange)
        for at in range(0, len(data), 8_000):
            with self.lock:
                time.sleep(8_000 / EACH)
            exchange.body(data[at : at + 8_000])


def only_the_file(bench: Bench) -> bool:
    return [path.name for path in bench.target.parent.iterdir()] == ["model.bin"]


@by_the_clock
def test_where_the_host_limits_each_connection_there_are_more(bench: Bench) -> None:
    bench.hub.answer("/file", limits_each)
    began = time.monotonic()
    fetched = bench.get()
    took = time.monotonic() - began
    assert bench.right()
    assert only_the_file(bench)
    assert took < SIZE / EACH * 0.8
    assert fetched.transferred_bytes <= SIZE * 1.1
    assert bench.hub.served <= SIZE * 1.1
    done = [event.done for event in bench.events if event.kind == "progress"]
    assert done == sorted(done), "the bar never goes back"


@by_the_clock
def test_where_the_line_is_full_there_is_one(bench: Bench) -> None:
    bench.hub.answer("/file", Full())
    bench.get()
    assert bench.right()
    assert only_the_file(bench)
    assert len(bench.hub.requests) <= 6, "one stream, the trial, and what follows it"
    assert bench.hub.served <= SIZE * 1.1


@pytest.mark.parametrize("options", [{"connections": 1}, {"limit_rate": 10**8}, {"trial_worth": 60}])
def test_where_it_is_not_wanted_or_not_worth_it_there_is_one(bench: Bench, options: dict[str, float]) -> None:
    bench.content = bench.hub.content = DATA[:800_000]
    bench.hub.answer("/file", limits_each)
    bench.get(**options)
    assert bench.right()
    assert len(bench.hub.requests) == 1


@pytest.mark.parametrize(
    "second",
    [
        status(429, Retry_After=5),
        lambda exchange: exchange.body(head(exchange)[:30_000]),
        lambda exchange: (exchange.head(200, {"Content-Length": SIZE}), exchange.body(DATA)),
    ],
    ids=["too-many", "drops", "no-ranges"],
)
def test_a_further_connection_that_fails_does_no_harm(bench: Bench, second) -> None:
    bench.hub.answer("/file", limits_each, second, limits_each)
    bench.get()
    assert bench.right()
    assert only_the_file(bench)


def test_wrong_bytes_in_a_piece_cost_one_start_over(bench: Bench) -> None:
    def wrong(exchange: Exchange) -> None:
        data = head(exchange)
        exchange.body(bytes(len(data)))

    bench.hub.answer("/file", limits_each, wrong, limits_each)
    bench.get()
    assert bench.right()
    assert only_the_file(bench)
    assert "Starting over" in bench.notes


def test_pieces_of_an_earlier_run_are_used(bench: Bench) -> None:
    bench.hub.answer("/file", lambda exchange: (exchange.usual_head(), exchange.body(DATA[:500_000])), status(404))
    with pytest.raises(SdsetupError):
        bench.get()
    for start, end in ((400_000, 700_000), (1_000_000, 1_300_000), (100_000, 200_000)):
        bench.part.with_name(f"model.bin.part.{start}").write_bytes(DATA[start:end])
    bench.hub.answer("/file", lambda exchange: exchange.body(head(exchange)))
    served = bench.hub.served
    bench.get()
    assert bench.right()
    assert only_the_file(bench)
    assert bench.hub.served - served == 300_000 + 700_000
    assert [span(Exchange(bench.hub, None, request)) for request in bench.hub.requests[2:]] == [
        (700_000, 1_000_000), (1_300_000, SIZE),
    ]  # fmt: skip


def test_pieces_without_a_sidecar_are_not_trusted(bench: Bench) -> None:
    bench.put_part(DATA[:500_000])
    bench.part.with_name("model.bin.part.600000").write_bytes(bytes(100_000))
    bench.hub.answer("/file", lambda exchange: exchange.body(head(exchange)))
    bench.get()
    assert bench.right()
    assert only_the_file(bench)
    assert len(bench.hub.requests) == 1


def test_killed_with_several_connections_under_way(tmp_path: Path) -> None:
    script = Path(__file__).parent / "fetch_once.py"
    digest = hashlib.sha256(DATA).hexdigest()
    part = tmp_path / "D" / "models" / "model.bin.part"
    dice = random.Random(2)
    with FaultyHub(DATA) as hub:
        hub.answer("/file", lambda exchange: exchange.body(head(exchange), block=2_000, pause=0.02))
        words = [sys.executable, str(script), hub.url + "/file", str(SIZE), digest, str(tmp_path), "--eager"]
        pieces_seen = 0
        for _ in range(4):
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(dice.uniform(0.9, 1.6))
            process.kill()
            process.communicate()
            assert not part.with_name("model.bin").exists()
            pieces_seen += len(list(part.parent.glob("model.bin.part.[0-9]*")))
        hub.answer("/file", lambda exchange: exchange.body(head(exchange)))
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert part.with_name("model.bin").read_bytes() == DATA
        assert [path.name for path in part.parent.iterdir()] == ["model.bin"]
        assert pieces_seen, "the kills came too early to say anything"
        assert hub.served / SIZE < 1.1


@pytest.mark.parametrize(
    ("before", "after", "connections", "worth"),
    [
        (10, 20, 2, True),
        (10, 15, 2, True),
        (10, 14, 2, False),
        (20, 30, 3, True),
        (20, 24, 3, False),
        (30, 35, 4, True),
    ],
)
def test_what_shows_that_each_is_limited(before: float, after: float, connections: int, worth: bool) -> None:
    assert worth_another(before=before, after=after, connections=connections) is worth
