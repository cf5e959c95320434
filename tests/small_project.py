"""A project as small as can be, for the starters: they are under test, not what pip brings with sdsetup."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]

# The build backend lies inside, so that nothing is fetched.
PROJECT = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "sdsetup"\nversion = "1"\n',
    "backend.py": """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "sdsetup-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        for file in ("__init__", "__main__"):
            wheel.write(f"src/sdsetup/{file}.py", f"sdsetup/{file}.py")
        meta = "sdsetup-1.dist-info"
        wheel.writestr(f"{meta}/METADATA", "Metadata-Version: 2.1\\nName: sdsetup\\nVersion: 1\\n")
        wheel.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{meta}/RECORD", "")
    return name
""",
    "src/sdsetup/__init__.py": "",
    "src/sdsetup/__main__.py": """
import json, os, sys
def main():
    seen = {"cwd": os.getcwd(), "args": sys.argv[1:], "prefix": sys.prefix}
    seen["command"] = os.environ["SDSETUP_COMMAND"]
    seen["full paths"] = bool(os.environ.get("NoDefaultCurrentDirectoryInExePath"))
    print(json.dumps(seen), flush=True)
    sys.exit(int(os.environ.get("CODE", "0")))
""",
    "profiles/x.toml": "",
    "bootstrap/requirements.lock": "",
}


def write(folder: Path) -> None:
    """The small project with the real starters in it."""
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "bootstrap" / "start.py", folder / "bootstrap")
    shutil.copytree(ROOT / "bootstrap" / "words", folder / "bootstrap" / "words", dirs_exist_ok=True)
    for starter in ("sdsetup.sh", "sdsetup.bat"):
        shutil.copy(ROOT / starter, folder)
