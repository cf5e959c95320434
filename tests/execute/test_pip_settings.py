"""pip's settings in uv's words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.execute.environment.pip_settings import read_file, settings, translate, uv_variables
from sdsetup.machine.real import RealMachine

COMPANY = """
[global]
index-url = https://mirror.example/simple
extra_index_url =
    https://one.example/simple
    https://two.example/simple
timeout = 120
cert = /etc/ssl/company.pem

[install]
find-links = /srv/wheels
trusted-host = mirror.example

[list]
format = json
"""


def test_a_company_mirror() -> None:
    assert translate(read_file(COMPANY), {}) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/srv/wheels",
        "UV_INSECURE_HOST": "mirror.example",
        "UV_HTTP_TIMEOUT": "120",
        "SSL_CERT_FILE": "/etc/ssl/company.pem",
    }


def test_install_is_nearer_than_global() -> None:
    assert read_file("[global]\nindex-url=a\n[install]\nindex-url=b\n")["index-url"] == "b"


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        ({"UV_DEFAULT_INDEX": "https://mine.example"}, "UV_DEFAULT_INDEX"),
        ({"UV_INDEX_URL": "https://mine.example"}, "UV_DEFAULT_INDEX"),
        ({"UV_INDEX": "https://mine.example"}, "UV_INDEX"),
        ({"SSL_CERT_FILE": "/mine.pem"}, "SSL_CERT_FILE"),
        ({"UV_HTTP_TIMEOUT": "5"}, "UV_HTTP_TIMEOUT"),
    ],
)
def test_what_the_person_told_uv_wins(env: dict[str, str], missing: str) -> None:
    assert missing not in translate(read_file(COMPANY), env)


def test_a_proxy_is_not_laid_over_another() -> None:
    assert translate({"proxy": "http://p:3128"}, {}) == {"ALL_PROXY": "http://p:3128"}
    assert translate({"proxy": "http://p:3128"}, {"HTTPS_PROXY": "http://q"}) == {}


def test_short_timeouts_of_pip_are_not_taken_over() -> None:
    assert translate({"timeout": "15"}, {}) == {}


def test_variables_beat_files_and_the_nearer_file_beats_the_farther(tmp_path: Path) -> None:
    shared, home = tmp_path / "xdg" / "pip", tmp_path / "home" / ".config" / "pip"
    for folder, text in (
        (shared, "[global]\nindex-url=far\ncert=far\ntimeout=60\n"),
        (home, "[global]\ncert=near\n"),
    ):
        folder.mkdir(parents=True)
        (folder / "pip.conf").write_text(text)
    env = {"XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "XDG_CONFIG_HOME": str(home.parent), "PIP_TIMEOUT": "90"}
    found = settings(RealMachine(env))
    assert (found["index-url"], found["cert"], found["timeout"]) == ("far", "near", "90")


def test_no_file_counts_where_the_person_says_so() -> None:
    assert uv_variables(RealMachine({"PIP_CONFIG_FILE": os.devnull})) == {}


@given(st.text())
def test_no_file_breaks_us(content: str) -> None:
    translate(read_file(content), {})
