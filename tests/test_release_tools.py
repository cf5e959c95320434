"""What the release workflow calls: notes from the changelog, the audit's exceptions, actions by commit."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


CHANGES = "# Changelog\n\n## 1.1.0 (2027-01-02)\n\n- new\n\n## 1.0.0 (unreleased)\n\n- old\n"


def test_the_notes_are_the_versions_own_section() -> None:
    notes = load("notes").notes
    assert notes(CHANGES, "1.1.0") == "- new\n"
    for version, why in (("1.0.0", "still calls"), ("1.1", "has no section"), ("2.0.0", "has no section")):
        with pytest.raises(SystemExit, match=why):
            notes(CHANGES, version)


def test_our_own_lock_has_no_exceptions_and_an_environments_are_reasoned() -> None:
    audit = load("audit")
    assert "--ignore-vuln" not in audit.command(None)
    passed = audit.command(Path("freeze.txt"))
    assert "CVE-2023-29159" in passed
    with pytest.raises(SystemExit, match="because, source"):
        audit.accepted('[[accepted]]\npackage = "x"\nids = ["CVE-1"]\n')


@pytest.mark.parametrize("name", ["ci", "release"])
def test_the_workflows_pin_every_action_and_give_no_job_more_than_it_needs(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["jobs"]
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)
    assert text.count("uses: actions/checkout@") == text.count("persist-credentials: false")
    assert re.search(r"^permissions:(?: \{\}|\n  contents: read)\n", text, re.MULTILINE)
    assert "secrets." not in text


def test_an_action_is_one_version_everywhere() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    used = {line for text in texts for line in re.findall(r"uses: (.+)", text)}
    assert len(used) == len({line.partition("@")[0] for line in used})
