"""Where a name really leads: links that lie in the folder are followed before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import inside


def link(path: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.symlink_to(to, target_is_directory=True)
    except OSError:
        pytest.skip("this account may not make links")


@pytest.mark.parametrize("name", ["models/Stable-diffusion/x/a.bin", "openai/a.bin", "repositories/BLIP"])
def test_a_link_that_leads_out_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "D"
    link((folder / name).parent, tmp_path / "elsewhere")
    with pytest.raises(SdsetupError) as caught:
        inside(name, folder)
    assert caught.value.code == "target-outside"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("place", ["models", "models/Stable-diffusion"])
def test_models_may_lie_on_another_drive(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "D"
    link(folder / place, tmp_path / "other drive")
    target = inside("models/Stable-diffusion/a.safetensors", folder)
    assert target == folder / "models" / "Stable-diffusion" / "a.safetensors"


def test_links_that_stay_inside_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "D"
    link(folder / "openai", folder / "models" / "openai")
    assert inside("openai/a.json", folder) == folder / "openai" / "a.json"


def test_a_folder_behind_a_link_is_itself(tmp_path: Path) -> None:
    link(tmp_path / "D", tmp_path / "real")
    assert inside("a/b", tmp_path / "D") == tmp_path / "D" / "a" / "b"


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "openai").symlink_to(tmp_path / "openai")
    assert inside("openai/x", tmp_path).name == "x"  # nothing can be written there, and the system says so
