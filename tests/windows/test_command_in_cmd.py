"""A command that we show, pasted into a real cmd: the program receives the name, and nothing else runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import windows_path
from sdsetup.command import Command

NAMES = [
    "D:\\plain",
    "D:\\a b\\",
    "D:\\a & echo x>{witness}",
    "D:\\a&echo x>{witness}",
    "D:\\a | echo x>{witness}",
    "D:\\a && echo x>{witness}",
    "D:\\a ^& echo x>{witness}",
    "D:\\a) & (echo x>{witness}",
    'x" & echo x>{witness} & "',
    'x""& echo x>{witness}',
    "$(echo x>{witness})",
    "it's",
    "50% off",
    "%PATH%",
    "%PATH:~0,3%",
    "a %TEMP% b %OS%",
    "100%%d",
    "^",
    "a^b",
    "wow!",
    "!OS!",
    "`x`",
    "(a)",
    "a;b,c=d",
    "/x",
    "Модели и ёж",
    "two\\\\",
    "a\necho x>{witness}",
    "",
]
_SAYS = "import sys;print(ascii(sys.argv[1:]))"


@pytest.mark.parametrize("through", ["cmd", "bat"])
def test_every_name_arrives_and_nothing_runs(
    through: str, cmd: Any, bench: Any, windows_python: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    program = windows_path(windows_python)
    script = tmp_path / "says.py"
    script.write_text(_SAYS)
    started = (program, windows_path(script))
    if through == "bat":  # as sdsetup.bat does: it hands on what it was given
        bat = tmp_path / "hand on.bat"
        bat.write_bytes(f'@echo off\r\n"{program}" "{windows_path(script)}" %*\r\n'.encode())
        started = (windows_path(bat),)
    # Wine's cmd looks for variables in what %* has brought once more; Windows' does not.
    names = [name for name in NAMES if through == "cmd" or "%" not in name]
    for name in names:
        word = name.replace("{witness}", windows_path(witness))
        command = Command(*started, "--dir", word, family="windows")
        ended = cmd(f'C:\\windows\\system32\\cmd.exe /d /s /c "{command}"')
        assert not witness.exists(), (name, command)
        # No name on Windows has a line feed: it is written as a letter that none has either.
        assert ended.out.strip() == ascii(["--dir", word.replace("\n", "?")]), (name, command, ended.err)
