"""`sdsetup schema`, and the schemas: whole, true for what is printed, strict about what they promise."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from documents import document, validator
from sdsetup.cli.app import run
from sdsetup.workflows.schema import schema_names, schema_of

SOURCE = Path(__file__).parents[2] / "src" / "sdsetup"
PC = ("--os", "windows", "--ram", "32", "--json")
# Cheap ways to a document of a kind; the others are held against their schemas where a test receives them.
COMMANDS = {
    "tune": ("tune", "--gpu", "RTX 3060", "--vram", "12", *PC),
    "tune of two profiles": ("tune", "--vram", "8", "--compare", "article-2023", *PC),
    "tune of an old card": ("tune", "--gpu", "GTX 780", *PC),
    "why": ("why", "--xformers", "--gpu", "RTX 3060", *PC),
    "why not": ("why", "--medvram", "--gpu", "RTX 4090", *PC),
    "models": ("model", "list", "--json"),
    "kit-plan": ("kit", "make", "a kit", "--for", "windows", "--gpu", "RTX 3060", "--dry-run", "--json"),
    "status": ("status", "--json"),
    "error": ("tune", "--gpu", "no such card", *PC),
}


def printed_by_the_program() -> Iterator[str]:
    """Names of the documents that are put together where documents are printed from."""
    beside = (
        SOURCE / "workflows" / f"{name}.py"
        for name in ("kit_key", "report", "self_command", "self_update", "shortcut", "uninstall")
    )
    for path in (*(SOURCE / "show").glob("*.py"), *beside):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                match = re.fullmatch(r"sdsetup\.([\w-]+)/\d+", node.value)
                if match:
                    yield match[1]


def test_every_document_that_is_printed_has_a_schema() -> None:
    printed = set(printed_by_the_program())
    assert len(printed) > 10
    assert printed <= set(schema_names())
    assert set(schema_names()) - printed == {"event"}, "only the lines of events have no name in them"


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_is_whole_and_pins_what_it_names(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert set(re.findall(r"#/\$defs/([\w-]+)", text)) == set(schema.get("$defs", {}))
    assert '"additionalProperties": false' not in text, "a later version may say more"
    if name != "event":
        assert schema["properties"]["schema"]["const"].startswith(f"sdsetup.{name}/")
        assert "schema" in schema["required"]


@pytest.mark.parametrize("which", COMMANDS)
def test_a_document_holds_its_schema_and_no_required_key_may_go(
    which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(COMMANDS[which])
    found = document(capsys.readouterr().out)
    name = which.partition(" ")[0]
    assert found["schema"] == f"sdsetup.{name}/1"
    for key in schema_of(name)["required"]:
        poorer = copy.deepcopy(found)
        del poorer[key]
        with pytest.raises(ValidationError):
            validator(name).validate(poorer)
    validator(name).validate({**found, "new in a later version": 1})


def test_schemas_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    listed = capsys.readouterr().out
    assert [line for line in listed.splitlines() if not line.startswith(" ")] == list(schema_names())
    assert run(["schema", "doctor"]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown == schema_of("doctor")
    assert run(["schema", "shared"]) == 2
    assert "code: schema-unknown" in capsys.readouterr().err
