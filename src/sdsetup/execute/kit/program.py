"""sdsetup itself in a kit: a wheel of the running version, and the packages that it needs, as locked."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import zipfile
from pathlib import Path

import sdsetup
from sdsetup.catalog.files import built_in_profiles
from sdsetup.errors import SdsetupError
from sdsetup.text import Text

_EPOCH = (2026, 1, 1, 0, 0, 0)  # the same bytes whenever it is packed
_LEFT_OUT = ("__pycache__",)


def own_wheel(folder: Path) -> Path:
    """A wheel of the sdsetup that is running, however it was installed; built without network or build tools.

    The format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/

    Raises:
        SdsetupError: `kit-no-program` where its own description is not installed.
    """
    try:
        about = importlib.metadata.distribution("sdsetup")
    except importlib.metadata.PackageNotFoundError as error:
        raise SdsetupError(
            Text("sdsetup can't add itself to the kit"),
            why=Text("it was started from a folder without being installed"),
            hint=Text("Start it with sdsetup.bat or ./sdsetup.sh, or add --no-program."),
            code="kit-no-program",
        ) from error
    version = about.version
    info = f"sdsetup-{version}.dist-info"
    files = _files()
    files[f"{info}/METADATA"] = (about.read_text("METADATA") or "").encode()
    files[f"{info}/entry_points.txt"] = (about.read_text("entry_points.txt") or "").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: sdsetup\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(files.items())]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sdsetup-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in sorted(files.items()):
            said = zipfile.ZipInfo(name, date_time=_EPOCH)
            said.compress_type = zipfile.ZIP_DEFLATED
            said.external_attr = 0o100644 << 16
            wheel.writestr(said, content)
    return path


def requirements() -> list[str]:
    """What the running sdsetup says it needs, without its extras."""
    said = importlib.metadata.requires("sdsetup") or []
    return [line for line in said if "extra ==" not in line]


def locked() -> list[str]:
    """The versions that a release is tested with, as requirement lines; empty where the lock is not at hand."""
    path = _lock()
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [line.removesuffix("\\").strip() for line in lines if line and not line.startswith((" ", "#"))]


def _lock() -> Path:
    """Inside the installed package, or the checkout's own."""
    beside = Path(sdsetup.__file__).parent / "requirements.lock"
    return beside if beside.is_file() else Path(sdsetup.__file__).parents[2] / "bootstrap" / "requirements.lock"


def _files() -> dict[str, bytes]:
    package, profiles = Path(sdsetup.__file__).parent, built_in_profiles()
    found = {f"sdsetup/{path.relative_to(package).as_posix()}": path for path in package.rglob("*")}
    found |= {f"sdsetup/profiles/{path.relative_to(profiles).as_posix()}": path for path in profiles.rglob("*")}
    found["sdsetup/requirements.lock"] = _lock()
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if path.is_file() and not any(part in path.parts for part in _LEFT_OUT) and path.suffix != ".pyc"
    }


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
