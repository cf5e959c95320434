"""A report can be posted: nothing personal stands in it, and it can still be judged."""

from __future__ import annotations

import json

import pytest

from sdsetup.redaction.report import Redaction, model_names
from sdsetup.redaction.secrets import known_secrets

REDACTION = Redaction(names=("anna", "Иван"), hosts=("ANNAS-PC",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("C:\\Users\\anna\\sd", "C:\\Users\\user\\sd"),
        ("c:/users/Anna Schmidt/sd", "c:/users/user/sd"),
        ("C:\\\\Users\\\\anna\\\\sd", "C:\\\\Users\\\\user\\\\sd"),
        ("C:\\Users\\Иван\\OneDrive\\Рабочий стол", "C:\\Users\\usér\\OneDrive\\folderé [...]"),
        ("/home/anna/sd", "/home/user/sd"),
        ("/Users/anna/sd", "/Users/user/sd"),
        ("/mnt/c/Users/anna/sd", "/mnt/c/Users/user/sd"),
        ("/run/media/anna/stick", "/run/media/user/folde"),
        ("D:\\Data\\anna\\sd", "D:\\Data\\fold\\sd"),
        ("D:\\annabel\\sd", "D:\\folderf\\sd"),
        ("C:\\Users\\Public\\sd", "C:\\Users\\Public\\sd"),
        ("anna@annas-pc:~$ ls", "user@[computer]:~$ ls"),
        ("on ANNAS-PC today", "on [computer] today"),
        ("token hf_AbCdEfGhIjKlMnOp here", "token [secret] here"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: [secret]"),
        ("https://x/y?token=abc123&b=2", "https://x/y?[secret]"),
        ("https://x/y?X-Amz-Signature=deadbeef", "https://x/y?[secret]"),
        ('{"api_key": "abcdef"}', '{"api_key": [secret]}'),
        ("--gradio-auth anna:secret --listen", "--gradio-auth [secret] --listen"),
        ("http://anna:secret@proxy:3128/", "http://proxy:3128/"),
        ("mail anna.schmidt@example.org now", "mail [mail] now"),
        ("GPU-3f2504e0-4f89-11d3-9a0c-0305e82c3301", "GPU-[id]"),
        ("{3f2504e0-4f89-11d3-9a0c-0305e82c3301}", "{[id]}"),
        ("S-1-5-21-3623811015-3361044348-30300820-1013", "[id]"),
        ("from 192.168.1.17 port 22", "from [address] port 22"),
        ("mac 00:1A:2b:3c:4D:5e", "mac [address]"),
        ("ip fe80::1ff:fe23:4567:890a up", "ip [address] up"),
        ("2001:db8::1 up", "[address] up"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "[address]"),
    ],
)
def test_personal_things_go(text: str, said: str) -> None:
    assert REDACTION.text(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "Windows 11 23H2",
        "31.0.15.5152",
        "10.0.22631",
        "525.60.13",
        "127.0.0.1:7860",
        "0.0.0.0",
        "00000000:01:00.0",
        "0000:0c:00.0",
        "2026-11-22 17:01:59,123 INFO sdsetup",
        "82a973c04367123ae98bd9abdf80d9eda9b910e2",
        "sha256 6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa",
        "torch 2.1.2+cu121 --index-url https://download.pytorch.org/whl/cu121",
        "PCI\\VEN_10DE&DEV_2504",
        "tokenizer: openai/clip-vit-large-patch14",
        "a::b",
        "Savannah",
    ],
)
def test_what_a_helper_needs_stays(text: str) -> None:
    assert REDACTION.text(text) == text


def test_a_short_name_is_taken_out_of_home_folders_only() -> None:
    redaction = Redaction(names=("al",))
    assert redaction.text("C:\\Users\\al\\x and D:\\al\\y") == "C:\\Users\\user\\x and D:\\fo\\y"


def test_parts_of_an_installation_keep_versions_and_lose_the_names_of_what_is_somebody_s() -> None:
    machine = {
        "parts": {
            "locked": [["opencv-python", "4.11.0.86"]],
            "packages": [["opencv-python", "4.11.0.86"], ["annas-secret-nodes", "1.0"]],
            "models": [{"name": "anna/Anna in Rome.safetensors", "size": 5}],
            "checkouts": [
                {"path": "", "changed": ["webui-user.sh", "notes of anna.txt"]},
                {"path": "repositories/annas-own", "changed": []},
            ],
            "unfinished": {"began": "2026-11-25", "words": ["install", "--dir", "/home/anna/ui"]},
            "base_python": "/home/anna/python/bin",
            "damaged_packages": [],
        }
    }
    said = Redaction(names=("anna",)).machine(machine)
    assert "anna" not in json.dumps(said).lower()
    assert said["parts"]["packages"] == said["parts"]["locked"] == [["opencv-python", "4.11.0.86"]]


def test_facts() -> None:
    machine = {
        "gpus": [{"name": "RTX", "uuid": "GPU-1"}],
        "folder": {
            "path": "C:\\Users\\anna\\sd",
            "entries": ["tax return.pdf"],
            "remote": "https://git.example.org/anna/x",
        },
        "installation": {"models": ["model.safetensors", "secret wish.ckpt", "notes"]},
        "proxy": {"url": "http://proxy.work.example:3128", "origin": "HTTPS_PROXY", "spares_loopback": True},
        "hosts": [{"url": "https://github.com/", "detail": "connect to 140.82.121.4 failed"}],
    }
    found = REDACTION.machine(machine)
    assert found["gpus"][0]["uuid"] is None
    assert found["folder"] == {"path": "C:\\Users\\user\\sd", "entries": ["[file 1]"], "remote": "[address]"}
    assert found["installation"]["models"] == ["model.safetensors", "[model 2].ckpt", "[model 3]"]
    assert found["proxy"]["url"] == "http://[proxy]"
    assert found["hosts"][0] == {"url": "https://github.com/", "detail": "connect to [address] failed"}
    assert "secret" not in str(found)
    assert model_names([]) == []


def test_the_folder_that_a_shell_stands_in_is_no_secret() -> None:
    env = {"PWD": "/home/anna/sd", "OLDPWD": "/usr/lib", "DB_PWD": "a-secret-1", "MY_PWD": "b-secret-2"}
    assert set(known_secrets(env)) == {"a-secret-1", "b-secret-2"}
