"""Commands that a user pastes: a list of arguments, written for the shell that will read them."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

from sdsetup.text import harmless

_PLAIN_SH = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_PLAIN_CMD = re.compile(r"[A-Za-z0-9_+\-.:/\\]+")
_ACTIVE_IN_QUOTES = re.compile(r'[$`"\\!]')
_HOME = re.compile(r"~/(?=[A-Za-z0-9])")
_SAFE_IN_PRINTF = re.compile(r"[A-Za-z0-9_@+=:,./ ]")


class Command(str):
    """A command line for a user to paste; as text it is already quoted.

    `argv` is what the program receives, `family` the system whose shell reads it ("windows": cmd; else a
    POSIX shell; left out: this system's). A leading `~/` means the user's home folder where the shell knows it.

        Command("sdsetup", "install", "--dir", "/srv/$it")  # sdsetup install --dir '/srv/$it'
    """

    argv: tuple[str, ...]
    family: str

    def __new__(cls, *argv: object, family: str | None = None) -> Command:
        words = tuple(str(word) for word in argv)
        family = family or ("windows" if os.name == "nt" else "linux")
        self = super().__new__(cls, joined(words, family))
        self.argv, self.family = words, family
        return self

    @classmethod
    def filled(cls, template: str, family: str | None = None, **values: object) -> Command:
        """From data: a line of shell words whose `{names}` are filled in, each as a whole argument or a part of
        one, so that no value becomes more than that."""
        return cls(*(word.format(**values) for word in shlex.split(template)), family=family)

    def __getnewargs_ex__(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        return self.argv, {"family": self.family}


def joined(argv: tuple[str, ...], family: str) -> str:
    """All arguments as one line of this system's shell."""
    if family != "windows":
        return " ".join(_for_sh(word) for word in argv)
    # A lone % is only a letter at the prompt; two of them may name a variable.
    percent = sum(word.count("%") for word in argv) > 1
    return " ".join(_for_cmd(word, percent=percent) for word in argv)


def _for_sh(word: str) -> str:
    """One argument for sh, bash, zsh and dash: pasted at a prompt, too, where `!` recalls former commands."""
    if home := _HOME.match(word):
        rest = word[home.end() :]
        return home[0] + _for_sh(rest)
    if _PLAIN_SH.fullmatch(word):
        return word
    if harmless(word) == word:
        if not _ACTIVE_IN_QUOTES.search(word):
            return f'"{word}"'  # as cmd would have it, too
        return "'" + word.replace("'", "'\"'\"'") + "'"
    # What must not reach the terminal as it is: `printf` makes it. A substitution loses line feeds at its end.
    inner = word.rstrip("\n")
    return f"\"$(printf '{_octal(inner)}')\"" + "$'\\n'" * (len(word) - len(inner))


def _octal(word: str) -> str:
    said = []
    for letter in word:
        if _SAFE_IN_PRINTF.fullmatch(letter) or (ord(letter) > 0x7F and harmless(letter) == letter):
            said.append(letter)
            continue
        try:
            data = letter.encode("utf-8", "surrogateescape")  # a name's bytes that are no UTF-8
        except UnicodeEncodeError:
            data = letter.encode("utf-8", "surrogatepass")
        said.append("".join(f"\\{byte:03o}" for byte in data))
    return "".join(said)


def _for_cmd(word: str, *, percent: bool) -> str:
    """One argument for cmd and for a .bat that hands it on; PowerShell reads it alike unless it holds $ or `.

    Everything that cmd acts upon stands in double quotes, so that it does not matter how often it is read.
    A control character, which no name on Windows can hold, becomes a question mark, which none can either.
    """
    word = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "?", word)
    if _PLAIN_CMD.fullmatch(word) and not word.startswith("/"):
        return word
    # Backslashes before a quote are doubled, as every program's start code takes them. A quote is doubled too:
    # with `\"` cmd would believe that the quoted part has ended.
    quoted = re.sub(r'(\\*)"', r'\1\1""', word)
    quoted = re.sub(r"(\\+)$", r"\1\1", quoted)
    if percent:
        # Quotes do not keep cmd from replacing %NAME%, but no variable is called `"N"AME`.
        quoted = re.sub(r"%([^\W_]|_)", r'%"\1"', quoted)
    return f'"{quoted}"'
