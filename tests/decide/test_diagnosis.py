"""Every known failure is found in a log that has it, and in no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdsetup.catalog.failures import FailureBook, parse_failures
from sdsetup.catalog.files import Profiles
from sdsetup.catalog.reading import ProfileError
from sdsetup.decide.diagnosis import LogOrigin, diagnose_log, notes_in, read_log, spot
from sdsetup.decide.diagnosis.log import Log, alternatives, needle_of
from sdsetup.decide.diagnosis.log_facts import crash_of, facts_of
from sdsetup.decide.diagnosis.programs import foreign_program
from sdsetup.decide.diagnosis.windows_words import decoded, windows_markers

LOGS = Path(__file__).parents[1] / "samples" / "logs"
BOOK: FailureBook = parse_failures(Profiles().raw("failures"), "failures.toml")
BY_ID = {failure.id: failure for failure in BOOK.failures}
PATTERNS = [(failure.id, pattern) for failure in BOOK.failures for pattern in failure.patterns]
PLACE = LogOrigin(dir="/home/anna/sd", python="/home/anna/sd/venv/bin/python")


@dataclass(frozen=True)
class RuleContext:
    """One log of a sample file. Its title may end in facts: `[id=... family=windows vendor=amd,nvidia]`;
    `vendor=none` is a machine without a card."""

    file: str
    title: str
    facts: dict[str, str]
    text: str

    @property
    def id(self) -> str:
        """The failure that is to be named: the file's, but for a case with a title that ends in another."""
        return self.facts.get("id", self.file)

    @property
    def origin(self) -> LogOrigin:
        vendors = self.facts.get("vendor")
        return LogOrigin(
            dir="/home/anna/sd",
            family=self.facts.get("family"),  # type: ignore[arg-type]
            vendors=None if vendors is None else tuple(v for v in vendors.split(",") if v != "none"),  # type: ignore[arg-type]
        )


def cases(path: Path) -> Iterator[RuleContext]:
    for block in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, text = block.partition("\n")
        title, _, facts = head.partition(" [")
        text = re.sub(r"^@lines (\d+)$", lambda n: "an ordinary line\n" * int(n[1]), text, flags=re.MULTILINE)
        yield RuleContext(path.stem, title, dict(fact.split("=", 1) for fact in facts.rstrip("]").split()), text)


FAILING = [case for path in sorted(LOGS.glob("*.txt")) for case in cases(path)]
PUBLIC = [case for path in sorted((LOGS / "public").glob("*.txt")) for case in cases(path)]
MIXED = [case for path in sorted((LOGS / "mixed").glob("*.txt")) for case in cases(path)]


LINES = [line.split("\t") for line in (LOGS / "lines.tsv").read_text(encoding="utf-8").splitlines()]


def name(case: RuleContext) -> str:
    return f"{case.file}: {case.title}"


@pytest.mark.parametrize("case", FAILING, ids=name)
def test_a_failing_log_names_its_failure(case: RuleContext) -> None:
    if BY_ID[case.id].kind == "note":
        assert case.id in [note.id for note in notes_in(case.text, BOOK, origin=case.origin)]
        assert diagnose_log(case.text, BOOK, origin=case.origin) is None
        return
    found = diagnose_log(case.text, BOOK, origin=case.origin)
    assert found is not None
    assert found.id == case.id
    assert found.evidence
    assert found.evidence.strip("…") in case.text.split("\n")[found.line - 1]


@pytest.mark.parametrize("case", MIXED, ids=name)
def test_the_last_real_cause_is_named(case: RuleContext) -> None:
    found = diagnose_log(case.text, BOOK, origin=case.origin)
    assert found is not None
    assert found.id == case.facts["id"]


@pytest.mark.parametrize("case", PUBLIC, ids=name)
def test_a_public_log_is_named_rightly(case: RuleContext) -> None:
    said = read_log(case.text, BOOK, origin=case.origin)
    found = said.diagnosis.id if said.diagnosis else None
    assert (said.state, found) == (case.facts.get("state", "failed"), case.facts.get("id"))


@pytest.mark.parametrize(
    "margin",
    [
        "webui-1  | ",
        "Nov 25 10:11:12 host webui.sh[1234]: ",
        "2024-05-01 10:11:12 ",
        "2024-05-01T10:11:12.123456789Z ",
        "[2024-05-01 10:11:12,345] ",
        "> ",
        "    ",
        "\t",
    ],
)
def test_what_another_program_puts_before_every_line_changes_nothing(margin: str) -> None:
    """Of the logs whose lines are the web UI's own."""
    wrong = []
    for case in PUBLIC:
        if case.text.count("\n") > 3 and not re.search(r"^\S+ +\| |^\[?\d{4}-\d\d-\d\d", case.text, re.MULTILINE):
            said = read_log(case.text, BOOK, origin=case.origin)
            framed = read_log("\n".join(margin + line for line in case.text.split("\n")), BOOK, origin=case.origin)
            ids = [one.diagnosis and one.diagnosis.id for one in (said, framed)]
            if said.state != framed.state or ids[0] != ids[1]:
                wrong.append((name(case), said.state, framed.state, ids))
    assert not wrong


@pytest.mark.parametrize("path", sorted((LOGS / "healthy").glob("*.txt")), ids=lambda path: path.stem)
def test_a_healthy_log_is_no_failure(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for vendors in (None, (), ("amd",), ("intel",), ("nvidia",)):
        for family in (None, "windows", "linux", "macos"):
            origin = LogOrigin(family=family, vendors=vendors)  # type: ignore[arg-type]
            assert diagnose_log(text, BOOK, origin=origin) is None


@pytest.mark.parametrize(
    "line",
    [
        "no module 'xformers'. Processing without...",
        "No module 'xformers'. Proceeding without it.",
        "fatal: not a git repository (or any of the parent directories): .git",
        "Cannot locate TCMalloc. Do you have tcmalloc or google-perftool installed on your system?",
        "Warning: caught exception 'Found no NVIDIA drivers', memory monitor disabled",
        "Checkpoint x.safetensors not found; loading fallback y.safetensors",
        "To create a public link, set `share=True` in `launch()`.",
        "100%|██████████| 20/20 [00:02<00:00,  9.60it/s]",
        "",
    ],
)
def test_harmless_lines_are_no_failures(line: str) -> None:
    assert diagnose_log(line, BOOK) is None


def test_every_failure_is_named_in_some_log() -> None:
    named = {case.id for case in FAILING + PUBLIC if "state" not in case.facts} | {line[0] for line in LINES}
    named |= {case.facts["id"] for case in MIXED}
    assert {failure.id for failure in BOOK.failures if failure.kind != "unseen"} - named == set()


# A healthy log of each system, to put failures into.
HEALTHY = {
    family: (LOGS / "healthy" / f"{file}.txt").read_text(encoding="utf-8").split("\n")
    for family, file in (("windows", "windows-xformers"), ("linux", "webui-sh-first-start"))
}
FAILED = [
    case
    for case in FAILING + PUBLIC
    if "state" not in case.facts and BY_ID[case.id].kind != "note" and case.text.count("\n") < 60
]
# What these say depends on facts that the log around them states otherwise.
SWAYED = {"mps-cuda", "vanished-while-loading"}


def told(text: str, origin: LogOrigin) -> list[str]:
    """Every failure that a reading tells of, the cause first."""
    said = read_log(text, BOOK, origin=origin)
    named = [] if said.diagnosis is None else [said.diagnosis.id]
    return named + [note.id for note in said.notes]


@pytest.mark.slow
def test_a_failure_in_a_healthy_log_is_named_or_outlived_and_nothing_else_is_accused() -> None:
    wrong = []
    for case in FAILED:
        around = HEALTHY["linux" if case.facts.get("family") == "linux" else "windows"]
        for place in range(0, len(around) + 1, 3):
            text = "\n".join([*around[:place], case.text.rstrip("\n"), *around[place:]])
            found = diagnose_log(text, BOOK, origin=case.origin)
            if found is not None and found.id != case.id and case.id not in SWAYED:
                wrong.append((name(case), place, found.id))
    assert not wrong


def test_a_failure_at_the_end_of_a_healthy_log_is_told() -> None:
    """As the cause, or, where the web UI goes on without it (an extension's download, for instance), as a note."""
    silent = []
    for case in FAILED:
        around = HEALTHY["linux" if case.facts.get("family") == "linux" else "windows"]
        said = told("\n".join([*around, case.text]), case.origin)
        if case.id not in SWAYED and case.id not in said:
            silent.append((name(case), said))
    assert not silent


@pytest.mark.slow
def test_of_two_failures_in_one_log_the_later_is_told_and_no_third_is_made() -> None:
    """Each with five others, in both orders. One may be judged with the facts of the other (a card, a system):
    so only causes whose conditions are empty; and none that the web UI goes on without. What stands beside a
    traceback and is about the same thing belongs to it; and after the line that tells the end comes nothing."""
    plain = [case for case in FAILED if BY_ID[case.id].kind == "cause" and not case.facts.keys() - {"id"}]
    plain = [case for case in plain if BY_ID[case.id].when == type(BY_ID[case.id].when)()]
    running = "\n".join(HEALTHY["windows"])
    plain = [case for case in plain if read_log(f"{running}\n{case.text}", BOOK, origin=PLACE).state == "failed"]
    plain = [
        case for case in plain if "Error running install.py" not in case.text and "*** Error" not in case.text
    ]
    assert len(plain) > 150
    wrong = []
    for step in (1, 2, 7, 23, 61):
        for one, two in zip(plain, plain[step:] + plain[:step], strict=True):
            for first, second in ((one, two), (two, one)):
                said = told(first.text.rstrip("\n") + "\n" + second.text, PLACE)
                whole = "Traceback" in first.text + second.text or "[sdsetup] ended" in first.text
                same = "[sdsetup] ended" in first.text or BY_ID[first.id].topic == BY_ID[second.id].topic
                if said[0] not in (one.id, two.id) or not (second.id in said or (whole and same)):
                    wrong.append((name(first), name(second), said))
    assert not wrong


def test_what_is_read_of_a_log_grows_as_the_log_does() -> None:
    """Counted, not timed: the lines that patterns look at, in a log and in one of four times its size."""

    def looked_at(text: str) -> int:
        count = 0

        class Counting(Log):
            def with_text(self, needle: str) -> Iterator[int]:
                nonlocal count
                for line in super().with_text(needle):
                    count += 1
                    yield line

        log = Counting(text)
        for failure in BOOK.failures:
            for pattern in failure.patterns:
                log.matches(pattern)
        return count

    text = "".join(case.text for case in FAILING)
    once, four = looked_at(text), looked_at(text * 4)
    assert once > 100
    assert four <= 4 * once + 100


def test_a_log_may_come_as_lines() -> None:
    lines = [
        "Loading weights [1] from x",
        "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge",
    ]
    found = diagnose_log(lines, BOOK)
    assert found is not None
    assert (found.id, found.line) == ("damaged-model", 2)


def test_sentences_are_filled_in() -> None:
    found = diagnose_log("launch.py: error: unrecognized arguments: --medvrm", BOOK, origin=PLACE)
    assert found is not None
    assert str(found.cause) == "The web UI does not recognize: --medvrm"
    moved = diagnose_log("No Python at 'x'", BOOK, origin=PLACE)
    assert moved is not None
    assert moved.fix.command == "sdsetup install --dir /home/anna/sd"
    assert moved.fix.act == "rebuild-environment"
    assert moved.to_json()["fix"]["command"] == moved.fix.command


def test_braces_in_a_folder_or_a_log_do_no_harm() -> None:
    origin = LogOrigin(dir="/home/{x}/sd", python="{}")
    found = diagnose_log("error: unrecognized arguments: --a {b} {0", BOOK, origin=origin)
    assert found is not None
    assert "{b} {0" in str(found.cause)


def test_every_sentence_can_be_filled_in_and_reads_as_one() -> None:
    for failure in BOOK.failures:
        assert not failure.title.endswith("."), failure.id
        assert failure.fix.endswith((".", ").")) or re.search(r": `[^`]+`$", failure.fix), failure.id
        assert len(failure.cause) < 300 and len(failure.fix) < 300, failure.id


@pytest.mark.parametrize(
    "line",
    [
        "ConnectionError " * 200,
        "Command: clone " * 200,
        "\n \t",
        "Loading weights [",
        "[Errno 2] site-packages/" * 150,
    ],
)
def test_lines_made_to_be_slow_are_read_to_the_end(line: str) -> None:
    diagnose_log((line + "\n") * (500_000 // len(line)), BOOK)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_needle_is_in_everything_its_pattern_matches(data: st.DataObject) -> None:
    _id, whole = data.draw(st.sampled_from(PATTERNS))
    pattern = data.draw(st.sampled_from(alternatives(whole)))
    needle = needle_of(pattern.pattern)
    assert needle, f"{pattern.pattern} is slow: nothing plain is sure in it"
    text = data.draw(st.from_regex(pattern))
    assert needle in text


@pytest.mark.parametrize(
    ("pattern", "needle"),
    [
        (r"a|b", ""),
        (r"(?:aaa|bbb)cc", "cc"),
        (r"colou?r", "colo"),
        (r"x*yy", "yy"),
        (r"ab{2}c", "a"),
        (r"\[WinError 5\]", "[WinError 5]"),
        (r"[]a]bc[^]b]", "bc"),
        (r"(?i)abc", ""),
        (r"\d\.\dabc", "abc"),
    ],
)
def test_needles(pattern: str, needle: str) -> None:
    assert needle_of(pattern) == needle


@given(st.text(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_text_may_be_a_log(text: str) -> None:
    diagnose_log(text, BOOK)
    notes_in(text, BOOK)


def raw() -> dict[str, Any]:
    return {
        "failures": {
            "one": {
                "kind": "cause", "topic": "t", "title": "T", "cause": "C {x}", "cure": "D {dir}",
                "patterns": ["a(?P<x>b)"], "source": ["https://example.org"],
            }
        },
        "ladders": {
            key: {
                "because": "{flag}",
                "source": "s",
                "rungs": [{"flag": "--a", "drops": ["--b c"], "for": ["vae"]}],
            }
            for key in ("precision", "memory")
        },
    }  # fmt: skip


def test_a_small_book_is_read() -> None:
    book = parse_failures(raw(), "failures.toml")
    assert book.failures[0].patterns[0].search("ab")
    assert book.memory.rungs[0].drops == ("--b c",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "reason"}, "failures.one.kind: 'reason' is not one of cause, general"),
        ({"patterns": ["(a"]}, "failures.one.patterns[0]: is not a valid regular expression"),
        ({"patterns": ["a*"]}, "failures.one.patterns[0]: matches anything"),
        ({"patterns": []}, 'failures.one.patterns: kind "unseen" has none'),
        ({"kind": "unseen"}, 'failures.one.patterns: kind "unseen" has none'),
        ({"patterns": ["ab", "a(?P<x>b)"]}, "failures.one.cause: contains {x}, which is unknown here"),
        ({"cause": "a { b"}, "failures.one.cause: is not a valid template"),
        ({"command": "{nowhere}"}, "failures.one.command: contains {nowhere}"),
        ({"source": []}, "failures.one.source: names no source"),
        ({"takes_out": ["--x"]}, 'failures.one.takes_out: only act "write-launcher" takes something out'),
        (
            {"takes_out": ["{y}"], "act": "write-launcher"},
            "failures.one.takes_out: contains {y}, which is unknown",
        ),
        ({"act": "magic"}, "failures.one.act: 'magic' is not one of"),
        ({"when": {"vendor": ["amd", "matrox"]}}, "failures.one.when.vendor: 'matrox' is not one of"),
        ({"when": {"card": "x"}}, "failures.one.when.card: unknown key"),
        ({"cure": 3}, "failures.one.cure: expected text, found a whole number"),
        ({"pattern": "x"}, "failures.one.pattern: unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_place(change: dict[str, Any], problem: str) -> None:
    broken = raw()
    broken["failures"]["one"].update(change)
    with pytest.raises(ProfileError) as refused:
        parse_failures(broken, "failures.toml")
    assert any(problem in line for line in refused.value.problems), refused.value.problems


def test_all_mistakes_are_named_at_once() -> None:
    broken = raw()
    broken["failures"]["Not Kebab"] = {"kind": "cause", "patterns": ["("]}
    broken["failures"]["one"]["kind"] = "x"
    broken["ladders"]["memory"]["rungs"] = [
        {"flag": "medvram", "drops": ["--x"], "for": ["sd3"]},
        {"flag": "--y", "drops": ["--y"], "for": []},
    ]
    with pytest.raises(ProfileError) as refused:
        parse_failures(broken, "failures.toml")
    text = "\n".join(refused.value.problems)
    for piece in (
        "Not Kebab",
        "topic: is missing",
        "one.kind",
        "'medvram' is not a flag",
        "'sd3' is not one of",
        "would drop itself",
    ):
        assert piece in text, piece


@pytest.mark.parametrize(("id", "line", "family"), [(*line, None)[:3] for line in LINES])
def test_a_last_line_alone_names_its_failure(id: str, line: str, family: str | None) -> None:
    """What people paste when they paste little."""
    found = diagnose_log(line, BOOK, origin=LogOrigin(family=family))  # type: ignore[arg-type]
    assert found is not None
    assert found.id == id


WORDS = [(id, text) for id, texts in BOOK.messages.items() for text in texts if not text.isascii()]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("cp866", "cp1251"),
        ("cp1251", "cp866"),
        ("utf-8", "cp1251"),
        ("gbk", "cp1252"),
        ("utf-8", "gbk"),
        ("cp932", "latin-1"),
        ("cp852", "cp1250"),
    ],
)
def test_windows_words_are_known_in_the_wrong_letters_too(written: str, read: str) -> None:
    """A sentence of Windows, written in one code page and read in another."""
    tried = 0
    for id, text in WORDS:
        try:
            garbled = text.encode(written).decode(read)
        except UnicodeError:
            continue
        if garbled.isascii():
            continue
        log = Log(["one", f"stderr: {garbled}.", "three"])
        assert (1, f"«win:{id}»") in windows_markers(log, BOOK.messages), text
        tried += 1
    assert tried > 3


@pytest.mark.parametrize("page", ["utf-8", "utf-8-sig", "utf-16", "cp866", "cp1251"])
def test_a_files_letters_are_found_out(page: str) -> None:
    text = "Отказано в доступе: C:\\sd\n" * 3
    assert decoded(text.encode(page), BOOK.messages) == text


def test_the_facts_of_a_log() -> None:
    facts = facts_of(
        Log("""\
[sdsetup] started 2026-03-02 19:41:07 with --medvram --api
Python 3.10.6 (tags/v3.10.6:9c7b4bd, Aug  1 2022, 21:53:49) [MSC v.1932 64 bit (AMD64)]
Version: v1.10.1
Launching Web UI with arguments: --medvram --api
Loading weights [6ce0161689] from D:\\my sd\\models\\Stable-diffusion\\v1-5.safetensors
[sdsetup] ended with code -1073741819
[sdsetup] torch=2.1.2+cu121 cuda=12.1 hip=None available=True
"""),
        BOOK.signals,
    )
    assert (facts.python, facts.webui, facts.torch, facts.torch_build) == (
        (3, 10, 6),
        (1, 10, 1),
        (2, 1, 2),
        "cu121",
    )
    assert (facts.flags, facts.family, facts.dir) == (("--medvram", "--api"), "windows", "D:\\my sd")
    assert (facts.code, facts.crash, facts.stage_at(5)) == (-1073741819, "access-violation", "loading")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (137, "killed"), (-9, "killed"), (139, "segfault"), (-11, "segfault"), (134, "aborted"), (1, None),
        (3221225477, "access-violation"), (-1073741819, "access-violation"), (3221225501, "illegal-instruction"),
    ],
)  # fmt: skip
def test_exit_codes_by_name(code: int, name: str | None) -> None:
    assert crash_of(code) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (
            './webui.sh: Zeile 255:  4242 Speicherzugriffsfehler  (Speicherabzug geschrieben) "${python_cmd}"',
            "segfault",
        ),
        ('./webui.sh : ligne 304 :   911 Erreur de segmentation  (core dumped) "${python_cmd}"', "segfault"),
        ("./webui.sh: строка 255:  4242 Ошибка сегментирования  (образ памяти сброшен на диск)", "segfault"),
        ("webui.sh：行 255： 4242 段错误               （核心已转储）", "segfault"),
        ('./webui.sh: línea 292: 17 Terminado (killed)        "${python_cmd}"', "killed"),
        ('./webui.sh: Zeile 304:    77 Getötet                 "${python_cmd}"', "killed"),
        ('/home/anna/sd/webui.sh: строка 304: 123456 Убито     "${python_cmd}"', "killed"),
        ("./webui.sh: Zeile 304:    77 Abgebrochen             (Speicherabzug geschrieben)", "aborted"),
        ('./webui.sh: Zeile 304:    77 Beendet                 "${python_cmd}"', None),
        ("Loading weights from /home/anna/Убито/Getötet.safetensors", None),
    ],
)
def test_a_crash_that_the_shell_tells_in_its_language(said: str, name: str | None) -> None:
    log = f"Running on local URL:  http://127.0.0.1:7860\nCreating model from config: v1.yaml\n{said}"
    assert facts_of(Log(log), BOOK.signals).crash == name


def test_a_log_of_kohya_is_not_called_one_of_another_program_with_the_same_times() -> None:
    log = "09:11:02-123456 INFO     Kohya_ss GUI version: v24.1.7\n09:11:05-223456 ERROR    CUDA out of memory"
    program = foreign_program(Log(log), BOOK)
    assert program is not None
    assert program.id == "kohya"


RUNNING = r"""
Startup time: 8.2s (import torch: 3.0s).
Model loaded in 5.1s (load weights from disk: 0.4s).
*** Error running process: C:\sd\extensions\sd-webui-reactor\scripts\main.py
    Traceback (most recent call last):
      File "C:\sd\extensions\sd-webui-reactor\scripts\net.py", line 5, in get
    urllib.error.URLError: <urlopen error [WinError 10060] timed out>

---
    RuntimeError: mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)
    modules.devices.NansException: A tensor with NaNs was produced in Unet.
100%|██████████| 20/20 [00:02<00:00,  9.60it/s]"""


def test_what_a_running_web_ui_says_is_spotted_line_by_line() -> None:
    """Each line as it comes; only the one that says what went wrong is an alarm."""
    lines = RUNNING.split("\n")
    found = [spot(lines[: at + 1], BOOK) for at in range(len(lines))]
    assert [one.id for one in found if one] == ["timed-out", "mixed-bases", "nan-unet"]
    assert "sd-webui-reactor" in str(next(one for one in found if one).cause)


def test_an_extension_that_only_stands_further_out_is_not_at_fault() -> None:
    case = next(
        case for case in PUBLIC if case.title == "an image too large, with extensions hooked in further out"
    )
    found = diagnose_log(case.text, BOOK)
    assert found is not None
    assert "extension" not in str(found.cause)
