"""The language of this run: English from the source, any other from a catalogue in `locale`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sdsetup.errors import UsageError
from sdsetup.text import Text, message

ENGLISH = "en"
DOMAIN = "sdsetup"
FOLDER = Path(__file__).resolve().parents[1] / "locale"


class Translations(Protocol):
    """What is asked of a catalogue; `gettext.GNUTranslations` is one."""

    def gettext(self, message: str, /) -> str: ...
    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str: ...


_code = ENGLISH
_catalogue: Translations | None = None  # None: English, as it stands in the source


def languages() -> tuple[str, ...]:
    """Their codes, English first."""
    found = sorted(path.parents[1].name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return (ENGLISH, *found)


def current() -> str:
    return _code


def speak(code: str, catalogue: Translations | None = None) -> None:
    """From now on sentences are shown in this language. `catalogue`: in place of the one that is installed."""
    global _code, _catalogue
    if catalogue is None and code != ENGLISH:
        import gettext  # English, the most frequent, does without

        catalogue = gettext.translation(DOMAIN, FOLDER, [code])
    _code, _catalogue = code, catalogue


def language_of(name: str) -> str | None:
    """The language that a locale's name means ("ru_RU.UTF-8", "pt-BR"); None where we do not speak it."""
    base = name.strip().partition(".")[0].partition("@")[0].replace("-", "_").lower()
    if base in ("c", "posix"):
        return ENGLISH
    known = {code.lower(): code for code in languages()}
    return known.get(base) or known.get(base.partition("_")[0])


def choose(asked: str | None, system: str | None) -> str:
    """The language somebody asked for, else the system's where we speak it, else English.

    Raises:
        UsageError: `language-unknown`.
    """
    if asked is None:
        return (language_of(system) if system else None) or ENGLISH
    code = language_of(asked)
    if code is None:
        raise UsageError(
            Text('There is no translation for the language "{name}"', name=asked),
            hint=Text("Choose one of: {codes}.", codes=", ".join(languages())),
            code="language-unknown",
        )
    return code


def template_of(text: Text) -> str:
    """The template in the language of this run, in the form that its count needs."""
    if text.many is not None:
        count = text.values["count"]
        if _catalogue is not None:
            return _catalogue.ngettext(text.template, text.many, count)
        return text.template if count == 1 else text.many
    return in_language(text.template)


def in_language(english: str) -> str:
    """A message without values."""
    # Of an empty message a catalogue gives its header.
    return _catalogue.gettext(english) if _catalogue is not None and english else english


def number(written: str) -> str:
    """A number with the decimal mark of the language: "4.27" or "4,27"."""
    return written if _catalogue is None else written.replace(".", in_language(message("1.5"))[1:2])
