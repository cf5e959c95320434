"""Pixels, attempts, ladders, and the flags of the run that proves."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from png import chunk, noise, plain, png
from sdsetup.catalog.failures import FailureBook, parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.decide.picture import (
    Attempt,
    FlagChange,
    PngError,
    as_arguments,
    changed_flags,
    decode_png,
    judge,
    next_change,
    proof_arguments,
    proof_of,
)

BOOK: FailureBook = parse_failures(Profiles().raw("failures"), "failures.toml")


# --- pixels ---------------------------------------------------------------------------------------------


@given(data=st.data(), channels=st.integers(1, 4), width=st.integers(1, 9), height=st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_whatever_was_written_is_read(data: st.DataObject, channels: int, width: int, height: int) -> None:
    rows = [data.draw(st.binary(min_size=width * channels, max_size=width * channels)) for _ in range(height)]
    filters = tuple(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=5)))
    pixels = decode_png(png(rows, channels, filters))
    assert (pixels.width, pixels.height, pixels.channels) == (width, height, channels)
    assert list(pixels.rows) == rows


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_damaged_file_is_refused_or_read_never_more(data: st.DataObject) -> None:
    whole = bytearray(png(noise(8, 8), filters=(0, 1, 2, 3, 4)))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        pixels = decode_png(bytes(whole))
    except PngError:
        return
    assert list(pixels.rows) == noise(8, 8), "what has a right checksum is what was written"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a PNG file"),
        (b"\xff\xd8\xff\xe0 a JPEG", "not a PNG file"),
        (b"\x89PNG\r\n\x1a\n", "missing"),
        (png(plain((1, 2, 3)))[:-30], "damaged|missing|too early"),
        (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
            + chunk(b"IDAT", b"x"),
            "depth 16",
        ),
        (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 1))
            + chunk(b"IDAT", b"x"),
            "unsupported PNG format",
        ),
        (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 9**6, 4, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", b"x"),
            "unsupported PNG format",
        ),
        (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", b"xyz"),
            "damaged",
        ),
    ],
)
def test_what_is_no_png_says_why(content: bytes, why: str) -> None:
    with pytest.raises(PngError, match=why):
        decode_png(content)


@pytest.mark.parametrize(
    ("rows", "channels", "verdict"),
    [
        (noise(), 3, "good"),
        (plain((0, 0, 0)), 3, "black"),
        (plain((3, 9, 2)), 3, "black"),
        (plain((0, 255, 0)), 3, "constant"),
        (plain((127, 127, 127)), 3, "constant"),
        ([*plain((90, 95, 100))[:-1], bytes((95, 99, 104)) * 32], 3, "constant"),
        ([*plain((0, 0, 0))[:-1], bytes((200, 0, 0)) * 32], 3, "good"),
        ([bytes((0, 0, 0, n)) * 32 for n in range(32)], 4, "black"),
        ([bytes((n * 8,)) * 32 for n in range(32)], 1, "good"),
        ([bytes((n * 8, 255)) * 32 for n in range(32)], 2, "good"),
    ],
)
def test_verdicts(rows: list[bytes], channels: int, verdict: str) -> None:
    assert judge(decode_png(png(rows, channels))) == verdict


# --- ladders --------------------------------------------------------------------------------------------


def attempt(*flags: str, outcome: str, **more: object) -> Attempt:
    return Attempt(flags=flags, outcome=outcome, **more)  # type: ignore[arg-type]


def climb(first: Attempt, outcomes: dict[str, str]) -> tuple[list[Attempt], list[FlagChange]]:
    """What happens when each flag set ends as told (by the flag that decides it), else as the first did."""
    attempts, changes = [first], []
    while change := next_change(attempts, BOOK):
        flags = changed_flags(attempts[-1].flags, change.rung)
        attempts.append(
            replace(first, flags=flags, outcome=outcomes.get(change.rung.flag, first.outcome), nan_repaired=False)
        )  # type: ignore[arg-type]
        changes.append(change)
        assert len(attempts) < 20
    return attempts, changes


def tried(first: Attempt) -> list[tuple[str, ...]]:
    return [one.flags for one in climb(first, {})[0][1:]]


def test_a_black_picture_gets_more_and_more_precision() -> None:
    assert tried(attempt("--xformers", outcome="black")) == [
        ("--xformers", "--no-half-vae"),
        ("--xformers", "--no-half-vae", "--upcast-sampling"),
        ("--xformers", "--no-half"),
    ]
    assert tried(attempt("--no-half", outcome="black")) == []
    assert tried(attempt("--upcast-sampling", outcome="constant")) == [
        ("--upcast-sampling", "--no-half-vae"),
        ("--no-half",),
    ]


def test_nan_is_cured_where_it_arises() -> None:
    assert tried(attempt(outcome="nan-vae")) == [("--no-half-vae",), ("--no-half",)]
    assert tried(attempt(outcome="nan-unet")) == [("--upcast-sampling",), ("--no-half",)]


def test_half_precision_by_order_goes_when_more_is_needed() -> None:
    assert tried(attempt("--precision half", outcome="nan-vae"))[0] == ("--no-half-vae",)
    assert tried(attempt("--precision=half", outcome="nan-vae"))[0] == ("--no-half-vae",)
    assert tried(attempt("--precision full", outcome="nan-vae"))[0] == ("--precision full", "--no-half-vae")


def test_memory_that_ran_out_goes_down_the_tiers() -> None:
    assert tried(attempt("--xformers", outcome="out-of-memory")) == [
        ("--xformers", "--medvram-sdxl"),
        ("--xformers", "--medvram"),
        ("--xformers", "--lowvram"),
    ]
    assert tried(attempt(outcome="out-of-memory", model_class="sd15")) == [("--medvram",), ("--lowvram",)]
    assert tried(attempt("--medvram-sdxl", outcome="out-of-memory", model_class="sd15")) == [
        ("--medvram",),
        ("--lowvram",),
    ]
    assert tried(attempt("--medvram", outcome="out-of-memory")) == [("--lowvram",)]
    assert tried(attempt("--lowvram", outcome="out-of-memory")) == []


@pytest.mark.parametrize("outcome", ["good", "failed", "slow", "died"])
def test_what_no_flag_can_cure_is_not_tried_again(outcome: str) -> None:
    assert next_change([attempt(outcome=outcome)], BOOK) is None


def test_a_picture_that_the_web_ui_repaired_gets_one_cure_and_no_more() -> None:
    attempts, changes = climb(attempt(outcome="good", nan_repaired=True), {})
    assert [one.flags for one in attempts] == [(), ("--no-half-vae",)]
    assert next_change([attempt("--no-half-vae", outcome="good", nan_repaired=True)], BOOK) is None
    proof = proof_of(attempts, changes)
    assert proof is not None
    assert proof.added == ("--no-half-vae",)


def test_precision_that_costs_too_much_memory_goes_on_below() -> None:
    attempts = [attempt(outcome="black"), attempt("--no-half-vae", outcome="out-of-memory", model_class="sd15")]
    change = next_change(attempts, BOOK)
    assert change is not None
    assert changed_flags(attempts[-1].flags, change.rung) == ("--no-half-vae", "--medvram")


@given(
    st.lists(
        st.sampled_from(["black", "constant", "nan-vae", "nan-unet", "out-of-memory"]), min_size=12, max_size=12
    ),
    st.sets(
        st.sampled_from(
            [
                "--medvram",
                "--lowvram",
                "--medvram-sdxl",
                "--no-half",
                "--no-half-vae",
                "--upcast-sampling",
                "--xformers",
                "--precision half",
            ]
        )
    ),
)
def test_it_always_ends_and_never_sets_two_of_one_kind(outcomes: list[str], start: set[str]) -> None:
    attempts = [attempt(*sorted(start), outcome=outcomes[0])]
    for outcome in outcomes[1:]:
        change = next_change(attempts, BOOK)
        if change is None:
            break
        flags = changed_flags(attempts[-1].flags, change.rung)
        assert len(set(flags)) == len(flags)
        for drop in change.rung.drops:
            assert drop not in flags
        attempts.append(attempt(*flags, outcome=outcome))
    assert len(attempts) <= 7


def test_what_is_kept_is_what_differs_and_why() -> None:
    first = attempt("--xformers", "--medvram-sdxl", outcome="out-of-memory", model_class="sdxl")
    attempts, changes = climb(first, {"--lowvram": "black", "--no-half-vae": "good"})
    assert [one.outcome for one in attempts] == ["out-of-memory", "out-of-memory", "black", "good"]
    proof = proof_of(attempts, changes)
    assert proof is not None
    assert proof.kept.flags == ("--xformers", "--lowvram", "--no-half-vae")
    assert proof.added == ("--lowvram", "--no-half-vae")
    assert proof.dropped == ("--medvram-sdxl",)
    assert proof.changed
    assert [reason.setting for reason in proof.reasons] == ["--lowvram", "--no-half-vae"]
    assert str(proof.reasons[1].because) == "The image was black. Adding --no-half-vae fixed it."
    assert proof.result()["added"] == ["--lowvram", "--no-half-vae"]


def test_nothing_is_kept_when_nothing_was_good() -> None:
    attempts, changes = climb(attempt(outcome="black"), {})
    assert proof_of(attempts, changes) is None


def test_an_earlier_good_picture_counts_when_the_better_one_failed() -> None:
    attempts, changes = climb(attempt(outcome="good", nan_repaired=True), {"--no-half-vae": "failed"})
    proof = proof_of(attempts, changes)
    assert proof is not None
    assert proof.kept is attempts[0]
    assert not proof.changed
    assert proof.reasons == ()


# --- the run's own flags --------------------------------------------------------------------------------


def test_the_proof_stays_on_this_computer() -> None:
    person = as_arguments(
        (
            "--xformers",
            "--listen",
            "--port 7860",
            "--gradio-auth=a:b",
            "--use-cpu sd interrogate",
            '--ckpt-dir "D:/my models"',
            "--autolaunch",
            "--tls-keyfile k",
            "--share",
        )
    )
    assert proof_arguments(person, port=50123, settings="s.json") == (
        *("--xformers", "--use-cpu", "sd", "interrogate", "--ckpt-dir", "D:/my models"),
        *("--api", "--port", "50123", "--ui-settings-file", "s.json"),
    )


def test_values_of_a_kept_flag_stay_after_a_dropped_one() -> None:
    assert proof_arguments(("--port", "1", "--use-cpu", "all", "--listen", "--no-half"), port=2, settings="s")[
        :3
    ] == ("--use-cpu", "all", "--no-half")
