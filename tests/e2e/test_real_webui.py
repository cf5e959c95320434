"""The real web UI from a local mirror, and a model of 1 GiB from a loopback hub.

Runs when SDSETUP_GIT_MIRROR names a folder with bare repositories below OWNER/NAME.git.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import Profiles
from sdsetup.catalog.models import Model, ModelSource
from sdsetup.catalog.webui import parse_webui
from sdsetup.decide.planning import Components, plan_install
from sdsetup.decide.wanted_settings import launch_settings
from sdsetup.execute.context import Context
from sdsetup.execute.runner import Runner
from sdsetup.launchfile import read
from sdsetup.machine.real import RealMachine
from sdsetup.rehearsal.server import LoopbackServer, Shelf
from sdsetup.rehearsal.stand_ins import make_model
from sdsetup.text import Text
from sdsetup.values.contents import Contents
from sdsetup.values.facts import Disk, Facts, Git, System
from sdsetup.values.journal import Journal
from sdsetup.values.plan import Plan
from sdsetup.values.request import Request
from sdsetup.values.tuning import TorchBuild, Tuning

MIRROR = os.environ.get("SDSETUP_GIT_MIRROR")
pytestmark = [
    pytest.mark.mirror,
    pytest.mark.timeout(300),
    pytest.mark.skipif(MIRROR is None, reason="SDSETUP_GIT_MIRROR names no local mirror of the real repositories"),
]
TORCH = TorchBuild(family="x", torch="1", torchvision="1", xformers=None, index_url=None, command="")


def machine(tmp_path: Path) -> RealMachine:
    """Git reaches github.com's addresses in the mirror; the person's own settings stay out of it."""
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "file://{MIRROR}/"]\n\tinsteadOf = https://github.com/\n')
    own = Path(str(MIRROR)) / "gitconfig"
    return RealMachine({**os.environ, "GIT_CONFIG_GLOBAL": str(own if own.is_file() else config)})


def test_the_real_checkout_and_a_large_model(tmp_path: Path) -> None:
    folder = tmp_path / "my web ui"
    sha256 = make_model(tmp_path / "model", size=2**30)
    webui = replace(parse_webui(Profiles().raw("webui")), tokenizer=())
    with LoopbackServer(Shelf(git="git", files={"m": tmp_path / "model"})) as hub:
        model = Model(
            name="big",
            title=Text("Big"),
            file="m",
            save_as="models/Stable-diffusion/model.safetensors",
            size=2**30,
            sha256=sha256,
            sources=(ModelSource(url=f"{hub.url}/m"),),
        )
        tuning = Tuning(profile="t", tier=None, gpu=None, flags=("--medvram",), env=(), torch=TORCH)
        facts = Facts(system=System(family="linux"), git=Git(path="git"), disk=Disk(free_bytes=10**12))
        request = Request(dir=str(folder), model="big", launchers=("bat", "sh"), environment=False)
        settings = launch_settings(tuning, None, Catalog().flags)
        components = Components(webui=webui, model=model)
        plan = plan_install(facts, request, tuning, components, settings, Journal(), Contents())
        context = Context(dir=folder, tools=tmp_path / "t", cache=tmp_path / "c", machine=machine(tmp_path))
        Runner(Plan(dir=str(folder), steps=plan.steps), context).run()
    said = subprocess.run(
        ["git", "-C", str(folder), "describe", "--tags"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == webui.tag
    assert (folder / "webui.py").is_file()
    for repository in webui.repositories:
        head = subprocess.run(
            ["git", "-C", str(folder / "repositories" / repository.name), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert head.stdout.strip() == repository.commit
    assert (folder / "models" / "Stable-diffusion" / "model.safetensors").stat().st_size == 2**30
    bat = (folder / "webui-user.bat").read_bytes()
    assert read("bat", bat).flags == ("--medvram",)
    assert b"call webui.bat" in bat
    changed = subprocess.run(
        ["git", "-C", str(folder), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert {line[3:] for line in changed.stdout.splitlines()} == {"webui-user.bat", "webui-user.sh"}
