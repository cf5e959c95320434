"""One JSON document on standard output."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_document(document: dict[str, Any]) -> None:
    """ASCII only: a pipe in any code page carries it."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    sys.stdout.flush()
