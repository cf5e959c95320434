"""What the check of printed commands takes for a command."""

from __future__ import annotations

import json

from command_line import refusal
from printed import printed


def test_lines_backticks_and_documents() -> None:
    fixes = [{"fix": {"command": "sdsetup tune --yes"}}, {"fix": {"command": "pip"}}]
    document = {"schema": "x", "findings": fixes}
    said = (
        "Install it first:\n    sdsetup install --dir '/a b'\n"
        "  \x1b[36msdsetup verify --rehearse\x1b[0m\nOr run `sdsetup why --xformers` now.\n"
        "sdsetup is up to date.\n" + json.dumps(document) + "\n"
    )
    assert set(printed(said.encode())) == {
        ("sdsetup", "install", "--dir", "/a b"),
        ("sdsetup", "verify", "--rehearse"),
        ("sdsetup", "why", "--xformers"),
        ("sdsetup", "tune", "--yes"),
    }


def test_a_wrong_one_is_told() -> None:
    (wrong,) = printed("Fix it:\n  sdsetup tune --aply\n")
    assert "--aply" in str(refusal(wrong))
