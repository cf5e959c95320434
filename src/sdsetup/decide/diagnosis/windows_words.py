"""Windows' sentences in its languages, in the right letters or garbled by the wrong code page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sdsetup.decide.diagnosis.log import Log

# Code pages that cmd, Python and users' editors write and read in; UTF-8 first.
_CODE_PAGES = (
    "utf-8", "cp866", "cp1251", "cp437", "cp850", "cp1252", "latin-1", "cp852", "cp1250", "cp857", "cp1254",
    "gbk", "big5", "cp932", "cp949",
)  # fmt: skip
_BLOCKS = "█▏▎▍▌▋▊▉"  # of progress bars


def windows_markers(log: Log, messages: Mapping[str, tuple[str, ...]]) -> list[tuple[int, str]]:
    """The lines that carry one of Windows' sentences, with «win:ID»."""
    markers = []
    foreign = any(not line.isascii() and not any(block in line for block in _BLOCKS) for line in log.lines)
    for id, texts in messages.items():
        lines = set()
        for text in texts:
            if text.isascii():
                lines |= set(log.with_text(text))
            elif foreign:
                for spelling in spellings(text):
                    lines |= set(log.with_text(spelling))
        markers += [(line, f"«win:{id}»") for line in sorted(lines)]
    return markers


@lru_cache(maxsize=1024)
def spellings(text: str) -> tuple[str, ...]:
    """A text as it is, and as it looks when written in one code page and read in another."""
    found = {text: None}
    for written in _CODE_PAGES:
        try:
            letters = text.encode(written)
        except UnicodeEncodeError:
            continue
        for read in _CODE_PAGES:
            seen = letters.decode(read, errors="replace")
            # What is mostly gone could be any text.
            if seen.count("\ufffd") * 4 <= len(seen) and not seen.isascii():
                found[seen] = None
    return tuple(found)


def decoded(content: bytes, messages: Mapping[str, tuple[str, ...]]) -> str:
    """A log file's bytes as text: UTF-8 or UTF-16 where they are, else the code page in which a sentence of
    Windows appears, else the Western one."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for page in _CODE_PAGES[1:]:
        for texts in messages.values():
            for text in texts:
                if not text.isascii() and _encoded(text, page) in content:
                    return content.decode(page, errors="replace")
    plain = content.decode("utf-8", errors="replace")
    # A few broken letters are a cut or mixed file; many are another code page.
    return plain if plain.count("\ufffd") * 50 < len(plain) else content.decode("cp1252", errors="replace")


def _encoded(text: str, page: str) -> bytes:
    try:
        return text.encode(page)
    except UnicodeEncodeError:
        return b"\xff\xff not in this code page"
