"""Refusals, redirects, tokens, mirrors: who is asked, who is told what, when the next source's turn comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from download_bench import CONTENT, SIZE, Bench
from faulty_hub import (
    ConnectProxy,
    FaultyHub,
    drop,
    flipped,
    redirect,
    status,
    web_page,
    whole,
)

from sdsetup.errors import SdsetupError
from sdsetup.values.plan import Source

HALF = SIZE // 2
REPO = Source(hub="org/name", revision="abc", file="model.bin")
AT_HUB = "/org/name/resolve/abc/model.bin"


@pytest.fixture
def at_hub(bench: Bench) -> Bench:
    """The usual way: HF_ENDPOINT names the hub."""
    bench.env["HF_ENDPOINT"] = bench.hub.url + "/"
    return bench


def refused(bench: Bench, *sources: Source, **options: object) -> SdsetupError:
    with pytest.raises(SdsetupError) as caught:
        bench.get(*sources, **options)
    assert not bench.target.exists()
    return caught.value


def test_the_endpoint_variable_is_honoured(at_hub: Bench) -> None:
    at_hub.hub.answer(AT_HUB, whole)
    fetched = at_hub.get(REPO)
    assert at_hub.right()
    assert fetched.source == f"127.0.0.1:{at_hub.hub.port}, org/name"


def test_a_hub_that_announces_another_file_is_not_downloaded_from(at_hub: Bench) -> None:
    at_hub.hub.answer(AT_HUB, redirect("/cdn", X_Linked_Size=SIZE, X_Linked_ETag=f'"{"0" * 64}"'))
    at_hub.hub.answer("/cdn", whole)
    assert refused(at_hub, REPO).code == "other-file-at-source"
    assert at_hub.hub.served == 0
    at_hub.hub.answer("/mirror", whole)
    at_hub.get(REPO, at_hub.url("/mirror"))
    assert at_hub.right()


def test_three_hops_are_followed(at_hub: Bench) -> None:
    at_hub.hub.answer(AT_HUB, redirect("/one", 307, X_Linked_Size=SIZE))
    at_hub.hub.answer("/one", redirect("two?x=1", 308))
    at_hub.hub.answer("/two", redirect(at_hub.hub.url + "/three", 301))
    at_hub.hub.answer("/three", whole)
    at_hub.get(REPO)
    assert at_hub.right()


def test_a_signed_link_that_runs_out_is_asked_for_again(at_hub: Bench) -> None:
    with FaultyHub(CONTENT) as cdn:
        old, new = f"{cdn.url}/old?Signature=s3cret", f"{cdn.url}/new?Signature=s3cret"
        at_hub.hub.answer(AT_HUB, redirect(old), redirect(old), redirect(new))
        cdn.answer("/old", drop(HALF), status(403))
        cdn.answer("/new", whole)
        at_hub.get(REPO)
        assert at_hub.right()
        assert [request.start for request in cdn.requests] == [0, HALF, HALF]
        assert cdn.served == SIZE
    assert "s3cret" not in at_hub.notes + "".join(str(event.source) for event in at_hub.events)
    assert "s3cret" not in "".join(str(event) for event in at_hub.events)


def test_the_sidecar_holds_no_signature(at_hub: Bench) -> None:
    at_hub.hub.answer(AT_HUB, redirect("/cdn?Signature=s3cret&Expires=1"))
    at_hub.hub.answer("/cdn", drop(HALF), status(404))
    refused(at_hub, REPO)
    sidecar = at_hub.part.with_name(at_hub.part.name + ".json").read_text(encoding="utf-8")
    assert "s3cret" not in sidecar
    assert "/cdn" in sidecar
    assert '"sha256"' in sidecar


@pytest.mark.parametrize("code", [401, 403])
def test_a_gated_model_says_where_to_click(at_hub: Bench, code: int) -> None:
    at_hub.hub.answer(AT_HUB, status(code, X_Error_Code="GatedRepo"))
    error = refused(at_hub, REPO)
    assert error.code == "gated"
    assert f"{at_hub.hub.url}/org/name" in str(error.hint)
    assert "HF_TOKEN" in str(error.hint)


def test_the_token_is_used_only_when_needed_and_only_at_the_hub(at_hub: Bench) -> None:
    def gate(exchange) -> None:
        if exchange.request.headers.get("authorization") == "Bearer hf_abcdefgh":
            redirect(cdn.url + "/cdn")(exchange)
        else:
            status(401, X_Error_Code="GatedRepo")(exchange)

    at_hub.env["HF_TOKEN"] = "hf_abcdefgh"
    with FaultyHub(CONTENT) as cdn:
        cdn.answer("/cdn", whole)
        at_hub.hub.answer(AT_HUB, gate)
        at_hub.get(REPO)
        assert at_hub.right()
        assert "authorization" not in at_hub.hub.requests[0].headers
        assert "authorization" in at_hub.hub.requests[1].headers
        assert all("authorization" not in request.headers for request in cdn.requests)


def test_the_token_file_of_the_hubs_client_is_found(at_hub: Bench) -> None:
    home = at_hub.folder / "hf"
    home.mkdir()
    (home / "token").write_text("hf_fromfile1\n")
    at_hub.env["HF_HOME"] = str(home)
    at_hub.hub.answer(AT_HUB, status(401, X_Error_Code="GatedRepo"), whole)
    at_hub.get(REPO)
    assert at_hub.hub.requests[1].headers["authorization"] == "Bearer hf_fromfile1"


@pytest.mark.parametrize("token", ["hf_ключ", "hf_one hf_two", "hf_one\nX-Header: 1"])
def test_what_can_be_no_token_is_named(at_hub: Bench, token: str) -> None:
    at_hub.env["HF_TOKEN"] = token
    at_hub.hub.answer(AT_HUB, status(401, X_Error_Code="GatedRepo"))
    error = refused(at_hub, REPO)
    assert error.code == "bad-token"
    assert "hf_" not in str(error)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1.evil.example", "http://hub.example", "https://[", "hub"])
def test_an_endpoint_that_we_do_not_go_to_is_named(at_hub: Bench, endpoint: str) -> None:
    at_hub.env["HF_ENDPOINT"] = endpoint
    error = refused(at_hub, REPO)
    assert error.code == "bad-endpoint"
    assert "HF_ENDPOINT" in str(error.message)


def test_no_token_goes_to_a_plain_address(at_hub: Bench) -> None:
    at_hub.env["HF_TOKEN"] = "hf_abcdefgh"
    at_hub.hub.answer("/file", status(401))
    assert refused(at_hub).code == "login-needed"
    assert all("authorization" not in request.headers for request in at_hub.hub.requests)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (status(404, X_Error_Code="EntryNotFound"), "gone"),
        (status(404, X_Error_Code="RevisionNotFound"), "gone"),
        (status(401, X_Error_Code="RepoNotFound"), "login-needed"),
        (status(410), "gone"),
        (status(451), "refused"),
        (status(400), "refused"),
        (flipped(99), "wrong-hash"),
        (web_page, "captive-portal"),
    ],
    ids=["no-file", "no-revision", "no-repository", "gone", "censored", "odd", "wrong-bytes", "portal"],
)
def test_the_mirror_is_tried_after_each_lasting_error(bench: Bench, answer, code: str) -> None:
    bench.hub.answer("/first", answer)
    bench.hub.answer("/second", whole)
    bench.get(bench.url("/first"), bench.url("/second"))
    assert bench.right()
    assert "Trying the next source" in bench.notes
    bench.target.unlink()
    bench.hub.answer("/second", status(418))
    error = refused(bench, bench.url("/first"), bench.url("/second"))
    assert error.code == code
    assert str(error.why).count("127.0.0.1") >= 2, "the first and the last failure are both named"


def test_what_one_source_sent_is_continued_from_the_next(bench: Bench) -> None:
    bench.hub.answer("/first", drop(HALF), status(404))
    bench.hub.answer("/second", whole)
    bench.get(bench.url("/first"), bench.url("/second"))
    assert bench.right()
    assert bench.hub.served == SIZE
    assert bench.hub.asked("/second")[0].start == HALF


def test_wrong_bytes_of_the_first_source_are_kept_and_the_second_gives_the_file(bench: Bench) -> None:
    bench.hub.answer("/first", flipped(HALF))
    bench.hub.answer("/second", whole)
    bench.get(bench.url("/first"), bench.url("/second"))
    assert bench.right()
    assert bench.bad.stat().st_size == SIZE


def test_too_many_requests_waits_as_long_as_it_is_told(bench: Bench) -> None:
    bench.hub.answer("/file", status(429, Retry_After=1), whole)
    began = time.monotonic()
    bench.get()
    assert bench.right()
    assert time.monotonic() - began >= 0.95


def test_a_date_to_wait_for_is_read_by_the_servers_own_clock(bench: Bench) -> None:
    # This computer's clock may be years off; the server's date and its wish belong together.
    bench.hub.answer(
        "/file",
        status(503, Date="Tue, 01 Jan 2030 00:00:00 GMT", Retry_After="Tue, 01 Jan 2030 00:00:01 GMT"),
        whole,
    )
    began = time.monotonic()
    bench.get()
    assert 0.95 <= time.monotonic() - began < 20


def test_a_very_long_wait_is_not_waited_for(bench: Bench) -> None:
    bench.hub.answer("/file", status(429, Retry_After=36_000))
    error = refused(bench)
    assert error.code == "too-many-requests"
    assert "600 min" in str(error.hint)
    assert len(bench.hub.requests) == 1


def test_a_short_fault_of_the_server_is_waited_out(bench: Bench) -> None:
    bench.hub.answer("/file", status(503), status(502), drop(HALF), status(500), whole)
    bench.get()
    assert bench.right()
    assert bench.hub.served == SIZE


def test_a_lasting_fault_of_the_server_ends_in_an_error_with_the_part_kept(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), status(503))
    error = refused(bench, fruitless=3)
    assert error.code == "server-fault"
    assert bench.part.stat().st_size == HALF
    assert "kept in model.bin.part" in str(error.message)
    assert "continues" in str(error.hint)
    bench.hub.answer("/file", whole)
    assert bench.get().resumed_from == HALF
    assert bench.hub.served == SIZE


def test_a_login_page_in_the_hubs_place(at_hub: Bench) -> None:
    at_hub.hub.answer(AT_HUB, web_page)
    error = refused(at_hub, REPO)
    assert error.code == "captive-portal"
    assert "browser" in str(error.hint)


def test_a_login_page_after_a_redirect_with_the_part_kept(at_hub: Bench) -> None:
    at_hub.hub.answer(AT_HUB, redirect("/cdn"))
    at_hub.hub.answer("/cdn", drop(HALF), redirect("/login"))
    at_hub.hub.answer("/login", web_page)
    assert refused(at_hub, REPO).code == "captive-portal"
    assert at_hub.part.stat().st_size == HALF


def test_a_login_page_once_is_got_over(bench: Bench) -> None:
    bench.hub.answer("/file", web_page, whole)
    bench.get()
    assert bench.right()


def test_circles_are_left(bench: Bench) -> None:
    bench.hub.answer("/file", redirect("/file"))
    assert refused(bench).code == "redirect-loop"
    assert len(bench.hub.requests) == 11


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://example.com/x", "//[::bad"])
def test_no_redirect_to_a_file_or_an_open_line(bench: Bench, place: str) -> None:
    bench.hub.answer("/file", redirect(place))
    assert refused(bench).code == "redirect-refused"


@pytest.mark.parametrize("url", ["http://example.com/x", "file:///etc/passwd", "ftp://example.com/x", "nonsense"])
def test_only_https_and_this_machine_itself(bench: Bench, url: str) -> None:
    assert refused(bench, Source(url=url)).code in ("not-encrypted", "bad-address")


def test_a_closed_port(bench: Bench) -> None:
    error = refused(bench, Source(url="http://127.0.0.1:9/x"), fruitless=1)
    assert error.code == "connection-refused"
    assert "firewall" in str(error.hint)


def test_a_name_that_does_not_exist(bench: Bench) -> None:
    assert refused(bench, Source(url="https://no-such-host.invalid/x"), fruitless=1).code == "no-such-host"


def test_no_source_at_all(bench: Bench) -> None:
    from dataclasses import replace

    from sdsetup.execute.download import fetch

    with pytest.raises(SdsetupError) as caught:
        fetch(replace(bench.file(), sources=()), bench.context(), options=bench.options)
    assert caught.value.code == "no-source"


# TLS and proxies.


def test_a_trusted_certificate_of_the_persons_own_authority(bench: Bench, tls, certificates: Path) -> None:
    server = tls("good")
    bench.env["REQUESTS_CA_BUNDLE"] = str(certificates / "ca.pem")
    bench.get(Source(url=server.url + "/file"))
    assert bench.right()


def test_a_certificate_that_signed_itself_is_refused_at_once(bench: Bench, tls) -> None:
    server = tls("alone")
    error = refused(bench, Source(url=server.url + "/file"))
    assert error.code == "certificate-not-trusted"
    assert "REQUESTS_CA_BUNDLE" in str(error.hint)
    assert server.requests == []


@pytest.mark.parametrize("name", ["expired", "future"])
def test_a_certificate_out_of_its_dates_makes_us_doubt_the_clock(
    bench: Bench, tls, certificates: Path, name: str
) -> None:
    server = tls(name)
    bench.env["REQUESTS_CA_BUNDLE"] = str(certificates / "ca.pem")
    error = refused(bench, Source(url=server.url + "/file"))
    assert error.code == "certificate-dates"
    assert "date and time" in str(error.hint)


def test_a_missing_certificate_file_is_named(bench: Bench, tls) -> None:
    server = tls("good")
    bench.env["REQUESTS_CA_BUNDLE"] = str(bench.folder / "absent.pem")
    assert refused(bench, Source(url=server.url + "/file")).code == "certificates-unreadable"


def test_never_from_https_to_http(bench: Bench, tls, certificates: Path) -> None:
    server = tls("good")
    server.answer("/file", redirect(bench.hub.url + "/file"))
    bench.hub.answer("/file", whole)
    bench.env["REQUESTS_CA_BUNDLE"] = str(certificates / "ca.pem")
    assert refused(bench, Source(url=server.url + "/file")).code == "redirect-refused"
    assert bench.hub.requests == []


def test_a_line_cut_inside_tls_is_continued(bench: Bench, tls, certificates: Path) -> None:
    server = tls("good")
    server.answer("/file", drop(HALF), whole)
    bench.env["REQUESTS_CA_BUNDLE"] = str(certificates / "ca.pem")
    bench.get(Source(url=server.url + "/file"))
    assert bench.right()
    assert server.served == SIZE


def test_through_a_proxy(bench: Bench, tls, certificates: Path) -> None:
    server = tls("good")
    bench.env["REQUESTS_CA_BUNDLE"] = str(certificates / "ca.pem")
    with ConnectProxy(server.port, login="Basic bWU6cEBzcw==") as proxy:
        bench.env["https_proxy"] = proxy.url.replace("http://", "http://me:p%40ss@")
        bench.get(Source(url="https://hub.example/file"))
        assert bench.right()
        assert [request.path for request in proxy.asked] == ["hub.example:443"]
    assert "authorization" not in server.requests[0].headers
    assert "proxy-authorization" not in server.requests[0].headers


def test_a_proxy_that_wants_a_login(bench: Bench) -> None:
    with ConnectProxy(1, login="Basic never") as proxy:
        bench.env["HTTPS_PROXY"] = proxy.url
        error = refused(bench, Source(url="https://hub.example/file"))
    assert error.code == "proxy-login-needed"
    assert "name:password" in str(error.hint)


def test_a_proxy_that_refuses_the_way(bench: Bench) -> None:
    with ConnectProxy(1, refuse=403) as proxy:
        bench.env["HTTPS_PROXY"] = proxy.url
        assert refused(bench, Source(url="https://hub.example/file")).code == "proxy-refused"


def test_a_dead_proxy(bench: Bench) -> None:
    bench.env["HTTPS_PROXY"] = "http://127.0.0.1:9"
    error = refused(bench, Source(url="https://hub.example/file"), fruitless=1)
    assert error.code == "connection-refused"
    assert "proxy" in str(error.why)


def test_a_proxy_of_a_kind_we_do_not_speak(bench: Bench) -> None:
    bench.env["ALL_PROXY"] = "gopher://127.0.0.1:9"
    assert refused(bench, Source(url="https://hub.example/file")).code == "proxy-unusable"


def test_this_machine_is_reached_without_the_proxy(bench: Bench) -> None:
    bench.env["http_proxy"] = bench.env["https_proxy"] = "http://127.0.0.1:9"
    bench.hub.answer("/file", whole)
    bench.get()
    assert bench.right()
