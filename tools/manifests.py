"""The manifests of winget and scoop for one release, from tools/manifests.toml and the zip itself.

    python tools/manifests.py dist/sdsetup-0.1.0-windows-x86_64.zip --repository OWNER/NAME --out dist/manifests

Forms: https://github.com/microsoft/winget-cli/tree/master/schemas/JSON/manifests/v1.10.0 and
https://github.com/ScoopInstaller/Scoop/blob/master/schema.json. The tests hold the result against both where
SDSETUP_SCHEMAS names a folder with them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli
import yaml

ROOT = Path(__file__).parents[1]
WINGET = "1.10.0"
_ZIP = re.compile(r"sdsetup-(?P<version>[0-9][^-]*)-windows-x86_64\.zip")


def winget(data: Mapping[str, Any], version: str, url: str, sha256: str, page: str) -> dict[str, dict[str, Any]]:
    """File name -> manifest."""
    name = data["identifier"]
    both = {"PackageIdentifier": name, "PackageVersion": version}
    installer = {
        **both,
        "InstallerType": "zip",
        "NestedInstallerType": "portable",
        "NestedInstallerFiles": [{"RelativeFilePath": "sdsetup\\sdsetup.exe", "PortableCommandAlias": "sdsetup"}],
        # The launcher looks for its Python beside itself, and a link to it lies elsewhere.
        "ArchiveBinariesDependOnPath": True,
        "MinimumOSVersion": "10.0.10240.0",
        "UpgradeBehavior": "uninstallPrevious",
        "Installers": [{"Architecture": "x64", "InstallerUrl": url, "InstallerSha256": sha256.upper()}],
        "ManifestType": "installer",
    }
    words = {
        **both,
        "PackageLocale": "en-US",
        "Publisher": data["publisher"],
        "PackageName": data["name"],
        "PackageUrl": page,
        "License": data["license"],
        "LicenseUrl": f"{page}/blob/main/LICENSE",
        "ShortDescription": data["short"],
        "Description": data["long"],
        "Moniker": "sdsetup",
        "Tags": data["tags"],
        "ReleaseNotesUrl": f"{page}/releases/tag/v{version}",
        "ManifestType": "defaultLocale",
    }
    about = {**both, "DefaultLocale": "en-US", "ManifestType": "version"}
    files = {f"{name}.yaml": about, f"{name}.installer.yaml": installer, f"{name}.locale.en-US.yaml": words}
    return {file: {**manifest, "ManifestVersion": WINGET} for file, manifest in files.items()}


def scoop(data: Mapping[str, Any], version: str, url: str, sha256: str, page: str) -> dict[str, Any]:
    return {
        "version": version,
        "description": data["short"],
        "homepage": page,
        "license": data["license"],
        "architecture": {"64bit": {"url": url, "hash": sha256}},
        "extract_dir": "sdsetup",
        "bin": "sdsetup.exe",
        "checkver": {"github": page},
        "autoupdate": {
            "architecture": {"64bit": {"url": url.replace(version, "$version")}},
            "hash": {"url": "$baseurl/SHA256SUMS"},
        },
    }


def write(archive: Path, repository: str, out: Path) -> list[Path]:
    """Write all manifests; their paths."""
    match = _ZIP.fullmatch(archive.name)
    if match is None:
        raise SystemExit(f"{archive.name} is not named like a release (sdsetup-VERSION-windows-x86_64.zip)")
    data = tomli.loads((ROOT / "tools" / "manifests.toml").read_text(encoding="utf-8"))
    version, page = match["version"], f"https://github.com/{repository}"
    url = f"{page}/releases/download/v{version}/{archive.name}"
    facts = (data, version, url, hashlib.sha256(archive.read_bytes()).hexdigest(), page)
    files = {
        f"winget/{name}": yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=1000)
        for name, manifest in winget(*facts).items()
    }
    files["scoop/sdsetup.json"] = json.dumps(scoop(*facts), indent=4, ensure_ascii=False) + "\n"
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return [out / name for name in files]


def main() -> int:
    parser = argparse.ArgumentParser(description="The manifests of winget and scoop.")
    parser.add_argument("archive", type=Path, help="the Windows zip of the release")
    parser.add_argument(
        "--repository", required=True, metavar="OWNER/NAME", help="where the release lies on GitHub"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder for them")
    options = parser.parse_args()
    for path in write(options.archive, options.repository, options.out):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
