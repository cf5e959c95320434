"""The hub's own client, on our connections: through any proxy, to no stranger, with our sentences."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from download_bench import CONTENT, SIZE, Bench
from faulty_hub import Exchange, SocksProxy, raw, redirect

from sdsetup.errors import SdsetupError
from sdsetup.execute.download.hub_model import HubFile, look_up

WANTED = HubFile(repo="org/name", file="model.safetensors")
PATH = "/org/name/resolve/main/model.safetensors"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def describe(exchange: Exchange) -> None:
    said = {"X-Repo-Commit": "b" * 40, "X-Linked-Etag": f'"{SHA256}"', "X-Linked-Size": SIZE}
    redirect("https://cdn.example/x", **{name.replace("-", "_"): value for name, value in said.items()})(exchange)


def asked(bench: Bench) -> SdsetupError:
    with pytest.raises(SdsetupError) as caught:
        look_up(WANTED, bench.context())
    return caught.value


def test_through_a_socks_proxy_with_ones_own_certificates(bench: Bench, tls, certificates: Path) -> None:
    server = tls("good")
    server.answer(PATH, describe)
    bench.env |= {
        "HF_ENDPOINT": "https://hub.example",
        "HF_TOKEN": "hf_abcdefgh",
        "REQUESTS_CA_BUNDLE": str(certificates / "ca.pem"),
    }
    with SocksProxy(server.port) as proxy:
        bench.env["all_proxy"] = f"socks5h://127.0.0.1:{proxy.port}"
        found = look_up(WANTED, bench.context())
        assert proxy.asked == [("5", "hub.example", 443)]
    assert (found.size, found.sha256, found.sources[0].revision) == (SIZE, SHA256, "b" * 40)
    assert server.requests[0].headers["authorization"] == "Bearer hf_abcdefgh"


def test_a_certificate_that_is_not_trusted(bench: Bench, tls) -> None:
    bench.env["HF_ENDPOINT"] = tls("alone").url
    error = asked(bench)
    assert error.code == "hub-unreachable"
    assert "is not trusted" in str(error.why)
    assert "REQUESTS_CA_BUNDLE" in str(error.hint)


@pytest.mark.parametrize("place", ["http://127.0.0.1.evil.example/x", "/x@\\evil", "http://[::1"])
def test_a_redirect_to_a_place_we_do_not_go_to(bench: Bench, place: str) -> None:
    bench.env["HF_ENDPOINT"] = bench.hub.url
    bench.hub.answer(PATH, redirect(place))
    assert asked(bench).code in ("hub-unreachable", "no-hash-at-hub")
    assert len(bench.hub.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip",
     b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n"],
    ids=["nothing", "other-protocol", "no-gzip", "long-length", "fault"],
)  # fmt: skip
def test_whatever_answers_it_is_a_sentence(bench: Bench, answer: bytes) -> None:
    bench.env["HF_ENDPOINT"] = bench.hub.url
    bench.hub.answer(PATH, raw(answer))
    assert asked(bench).code in ("hub-unreachable", "no-hash-at-hub")


def test_a_name_that_does_not_exist(bench: Bench) -> None:
    bench.env["HF_ENDPOINT"] = "https://no-such-host.invalid"
    error = asked(bench)
    assert "could not be resolved" in str(error.why)
    assert "internet connection" in str(error.hint)


def test_who_wants_to_stay_offline_does(bench: Bench) -> None:
    bench.env |= {"HF_ENDPOINT": bench.hub.url, "HF_HUB_OFFLINE": "1"}
    assert "HF_HUB_OFFLINE is set" in str(asked(bench).why)
    assert bench.hub.requests == []


@pytest.mark.parametrize("endpoint", ["http://hub.example", "http://localhost.evil", "https://a@b", "x"])
def test_an_endpoint_that_we_do_not_go_to(bench: Bench, endpoint: str) -> None:
    bench.env["HF_ENDPOINT"] = endpoint
    assert asked(bench).code == "bad-endpoint"
