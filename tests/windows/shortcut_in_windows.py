"""Runs in a Windows CPython: makes a shortcut, starts it through the shell, and says what it was started with."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from sdsetup.execute import shortcut
from sdsetup.machine.real import RealMachine

folder = Path(sys.argv[2])
folder.mkdir(parents=True)
heard = folder.parent / "heard.json"
script = folder.parent / "says.py"
script.write_text(
    f"import json, sys\nopen({str(heard)!r}, 'w').write(json.dumps(sys.argv[1:]))\n", encoding="utf-8"
)
machine = RealMachine()
home = shortcut.home_of("menu")
file = shortcut.write_shortcut("menu", folder, [sys.executable, str(script)], machine)
assert file.parent == home, (file, home)
try:
    again = shortcut.write_shortcut("menu", folder, [sys.executable, str(script)], machine)
    found = shortcut.shortcuts_of(folder, machine)
    os.startfile(file)  # type: ignore[attr-defined]
    deadline = time.monotonic() + 30
    while not heard.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
finally:
    file.unlink()
started = json.loads(heard.read_text(encoding="utf-8"))
print(
    json.dumps({"file": str(file), "again": str(again), "found": [str(one) for one in found], "started": started})
)
