"""Ways to a server: proxies of every kind, names outside ASCII, certificates, and settings that are none."""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
import time
from pathlib import Path

import pytest
from download_bench import CONTENT, SIZE, Bench
from faulty_hub import ConnectProxy, Exchange, FaultyHub, SocksProxy, drop, redirect, status, whole

from sdsetup.catalog.addresses import parse_address
from sdsetup.errors import SdsetupError
from sdsetup.execute.download.opening import seconds_to_wait
from sdsetup.machine.web_policy import proxy_for
from sdsetup.values.plan import Source

HALF = SIZE // 2
AT_HUB = Source(url="https://hub.example/file")


@pytest.fixture
def good(bench: Bench, tls, certificates: Path) -> FaultyHub:
    """A server whose certificate for hub.example is trusted."""
    bench.env["REQUESTS_CA_BUNDLE"] = str(certificates / "ca.pem")
    return tls("good")


def refused(bench: Bench, *sources: Source, **options: object) -> SdsetupError:
    with pytest.raises(SdsetupError) as caught:
        bench.get(*sources, **options)
    assert not bench.target.exists()
    return caught.value


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ("socks5h", ("5", "hub.example", 443)),
        ("socks", ("5", "hub.example", 443)),
        ("socks4a", ("4a", "hub.example", 443)),
    ],
)
def test_through_a_socks_proxy_that_looks_names_up(bench: Bench, good: FaultyHub, scheme: str, asked) -> None:
    good.answer("/file", drop(HALF), whole)
    with SocksProxy(good.port) as proxy:
        bench.env["ALL_PROXY"] = f"{scheme}://127.0.0.1:{proxy.port}"
        bench.get(AT_HUB)
        assert bench.right()
        assert proxy.asked == [asked, asked]
    assert good.served == SIZE


@pytest.mark.parametrize(("scheme", "version"), [("socks5", "5"), ("socks4", "4")])
def test_through_a_socks_proxy_that_is_told_addresses(
    bench: Bench, good: FaultyHub, scheme: str, version: str
) -> None:
    # Any address of the certificate that is not loopback's literal one: this computer is never asked for by proxy.
    with SocksProxy(good.port) as proxy:
        bench.env["https_proxy"] = f"{scheme}://127.0.0.1:{proxy.port}"
        assert refused(bench, Source(url="https://93.184.215.14/file")).code == "certificate-not-trusted"
        assert proxy.asked == [(version, "93.184.215.14", 443)]


def test_a_socks_proxy_with_a_name_and_a_password(bench: Bench, good: FaultyHub) -> None:
    with SocksProxy(good.port, login=("me", "p@ss")) as proxy:
        bench.env["https_proxy"] = f"socks5h://me:p%40ss@127.0.0.1:{proxy.port}"
        bench.get(AT_HUB)
        assert bench.right()
        bench.target.unlink()
        bench.env["https_proxy"] = f"socks5h://me:wrong@127.0.0.1:{proxy.port}"
        error = refused(bench, AT_HUB)
        assert error.code == "proxy-login-needed"
        assert "wrong" not in str(error.why)


def test_a_socks_proxy_that_refuses(bench: Bench, good: FaultyHub) -> None:
    with SocksProxy(good.port, refuse=True) as proxy:
        bench.env["https_proxy"] = f"socks5h://127.0.0.1:{proxy.port}"
        error = refused(bench, AT_HUB, fruitless=1)
    assert error.code == "connection-refused"
    assert "the proxy 127.0.0.1" in str(error.why)


def server_context(certificates: Path, name: str = "good") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem")
    return context


def test_through_a_proxy_that_is_spoken_to_over_tls(bench: Bench, good: FaultyHub, certificates: Path) -> None:
    good.answer("/file", drop(HALF), whole)
    with ConnectProxy(good.port, login="Basic bWU6cEBzcw==", tls=server_context(certificates)) as proxy:
        bench.env["https_proxy"] = proxy.url.replace("https://", "https://me:p%40ss@")
        bench.get(AT_HUB)
        assert bench.right()
        assert [request.path for request in proxy.asked] == ["hub.example:443"] * 2
    assert good.served == SIZE


def test_a_proxy_whose_certificate_is_not_trusted(bench: Bench, good: FaultyHub, certificates: Path) -> None:
    with ConnectProxy(good.port, tls=server_context(certificates, "alone")) as proxy:
        bench.env["https_proxy"] = proxy.url
        assert refused(bench, AT_HUB).code == "certificate-not-trusted"
        assert proxy.asked == []


def test_a_name_and_a_password_outside_ascii(bench: Bench, good: FaultyHub) -> None:
    with ConnectProxy(good.port, login="Basic 0Y86w6k=") as proxy:
        bench.env["https_proxy"] = proxy.url.replace("http://", "http://%D1%8F:%C3%A9@")
        bench.get(AT_HUB)
        assert bench.right()


@pytest.mark.parametrize("no_proxy", ["hub.example", "example", "*.example", "192.0.2.0/24,.example:443", "*"])
def test_hosts_that_need_no_proxy(bench: Bench, good: FaultyHub, no_proxy: str) -> None:
    with ConnectProxy(good.port) as proxy:
        bench.env |= {"https_proxy": proxy.url, "no_proxy": no_proxy}
        # Nobody has that name here: that it is looked up shows that the proxy was left out.
        assert refused(bench, AT_HUB).code == "no-such-host"
        assert proxy.asked == []


def test_a_network_that_needs_no_proxy(bench: Bench, good: FaultyHub) -> None:
    with ConnectProxy(good.port) as proxy:
        bench.env |= {"https_proxy": proxy.url, "no_proxy": "203.0.113.0/24"}
        inside = parse_address("https://203.0.113.7/file")
        assert proxy_for(inside, bench.context().machine) is None
        assert refused(bench, Source(url="https://203.0.114.7/file")).code == "certificate-not-trusted"
        assert [request.path for request in proxy.asked] == ["203.0.114.7:443"]


def test_a_name_outside_ascii(bench: Bench, good: FaultyHub) -> None:
    with ConnectProxy(good.port) as proxy:
        bench.env["https_proxy"] = proxy.url
        # The certificate is another's, which shows in which form the name was asked for, and checked.
        error = refused(bench, Source(url="https://Bücher.example/file"))
        assert error.code == "certificate-not-trusted"
        assert [request.path for request in proxy.asked] == ["xn--bcher-kva.example:443"]


@pytest.mark.parametrize(
    "setting", ["http://[::1", "http://proxy:port", "://", "http://:80", "ftp://proxy", "a b"]
)
def test_a_proxy_setting_that_is_none_is_a_sentence(bench: Bench, setting: str) -> None:
    bench.env["https_proxy"] = setting
    error = refused(bench, AT_HUB)
    assert error.code == "proxy-unusable"
    assert "proxy" in str(error.hint)
    bench.hub.answer("/file", whole)
    bench.get()  # this computer is reached all the same
    assert bench.right()


def test_an_unknown_name_ends_its_source_at_once(bench: Bench) -> None:
    bench.hub.answer("/file", whole)
    began = time.monotonic()
    bench.get(Source(url="https://no-such-host.invalid/x"), bench.url("/file"), first_pause=30, longest_pause=30)
    assert bench.right()
    assert time.monotonic() - began < 15, "not one pause between tries"
    assert "could not be resolved" in bench.notes


def test_a_name_that_was_there_a_moment_ago_is_tried_again(bench: Bench, good: FaultyHub) -> None:
    """A line that drops takes the names with it: that is no reason to give a source up that has delivered."""
    with ConnectProxy(good.port) as proxy:
        good.answer("/file", drop(HALF), whole)
        real, asked = proxy.url, iter(["http://no-such-host.invalid:1"])

        class Env(dict):  # the second time it is asked, the proxy's name is not to be found
            def items(self):
                found = dict(super().items())
                found["https_proxy"] = next(asked, real) if proxy.asked else real
                return found.items()

        context = bench.context()
        context.machine._env = Env(bench.env)
        from sdsetup.execute.download import fetch

        fetch(bench.file(AT_HUB), context, options=bench.options)
        assert bench.right()
        assert good.served == SIZE


CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.mark.parametrize("name", CERTIFICATE_VARIABLES)
def test_certificates_are_named_by_any_of_the_variables(bench: Bench, tls, certificates: Path, name: str) -> None:
    bench.env[name] = str(certificates / "ca.pem")
    bench.get(Source(url=tls("good").url + "/file"))
    assert bench.right()


def test_a_folder_of_certificates(bench: Bench, tls, certificates: Path) -> None:
    import subprocess

    folder = bench.folder / "certificates"
    folder.mkdir()
    (folder / "ca.pem").write_bytes((certificates / "ca.pem").read_bytes())
    subprocess.run(["openssl", "rehash", str(folder)], check=True)
    bench.env["SSL_CERT_DIR"] = str(folder)
    bench.get(Source(url=tls("good").url + "/file"))
    assert bench.right()


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nrubbish\n"])
def test_a_file_that_holds_no_certificates_is_named(bench: Bench, tls, text: str) -> None:
    bench.env["REQUESTS_CA_BUNDLE"] = str(bench.folder / "empty.pem")
    (bench.folder / "empty.pem").write_text(text)
    error = refused(bench, Source(url=tls("good").url + "/file"))
    assert error.code == "certificates-unreadable"
    assert "empty.pem" in str(error.why)


# Answers with numbers in them that nobody can mean.


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 5000, "-1", "1e3", "٣", "1, 1"])
def test_a_length_that_cannot_be_read_is_no_length(bench: Bench, digits: str) -> None:
    def act(exchange: Exchange) -> None:
        exchange.line.sendall(f"HTTP/1.1 200 X\r\nContent-Length: {digits}\r\n\r\n".encode())
        exchange.body(CONTENT)

    bench.hub.answer("/file", act, whole)
    bench.get()
    assert bench.right()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_two_lengths_are_none(bench: Bench) -> None:
    """urllib3 leaves the line to the garbage collector then, which Python's development mode complains of."""

    def act(exchange: Exchange) -> None:
        exchange.line.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 5, 6\r\n\r\n")
        exchange.body(CONTENT)

    bench.hub.answer("/file", act, whole)
    bench.get()
    assert bench.right()
    gc.collect()


@pytest.mark.parametrize("said", ["bytes 0-{d}/{d}", "bytes {d}-{d}/*", "bytes */{d}"])
def test_a_range_that_cannot_be_read_is_asked_for_whole(bench: Bench, said: str) -> None:
    strange = status(206, Content_Range=said.format(d="9" * 5000))
    bench.hub.answer("/file", drop(HALF), strange, whole)
    bench.get()
    assert bench.right()


def test_a_size_of_the_hub_that_cannot_be_read_is_no_size(bench: Bench) -> None:
    bench.hub.answer("/file", redirect("/cdn", X_Linked_Size="9" * 5000))
    bench.hub.answer("/cdn", whole)
    bench.get()
    assert bench.right()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("9" * 5000, 365 * 86_400),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 365 * 86_400),
        ("Mon, 01 Jan 0001 00:00:00 GMT", None),
        ("Tue, 01 Jan 2030 00:00:01 GMT", 1),
        ("Tue, 01 Jan 2029 00:00:01 GMT", 0),
        ("Tue, 99 Foo 2030 99:99:99 +999999", None),
        ("1" * 5000 + " Jan 2030", None),
    ],
)
def test_how_long_to_wait(said: str, seconds: float | None) -> None:
    found = seconds_to_wait(said, "Tue, 01 Jan 2030 00:00:00 GMT")
    assert found == seconds or (found is not None and seconds is None and 0 <= found <= 365 * 86_400)
    for date in (None, "rubbish", "Fri, 31 Dec 99999 23:59:59 GMT"):
        again = seconds_to_wait(said, date)
        assert again is None or 0 <= again <= 365 * 86_400


def test_a_wait_of_ages_is_a_sentence(bench: Bench) -> None:
    bench.hub.answer("/file", status(429, Retry_After="9" * 5000))
    error = refused(bench)
    assert error.code == "too-many-requests"
    assert "Wait a day or more" in str(error.hint)


def test_a_page_that_never_ends_behind_a_redirect_is_not_read(bench: Bench) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.head(302, {"Location": "/cdn"})
        while True:
            exchange.line.sendall(bytes(65536))

    bench.hub.answer("/file", endless)
    bench.hub.answer("/cdn", whole)
    bench.get()
    assert bench.right()


def test_a_head_that_trickles_is_given_up_after_the_whole_of_its_time(bench: Bench) -> None:
    def trickling(exchange: Exchange) -> None:
        for letter in b"HTTP/1.1 200 " + b"X" * 1000:
            exchange.line.sendall(bytes([letter]))
            time.sleep(0.2)

    bench.hub.answer("/file", trickling, whole)
    began = time.monotonic()
    bench.get()
    assert bench.right()
    assert time.monotonic() - began < 20


def test_a_body_that_unpacks_to_much_more_than_it_is(bench: Bench) -> None:
    bench.content = bench.hub.content = bytes(8 * 2**20)

    def act(exchange: Exchange) -> None:
        data = gzip.compress(exchange.content) + b"and more"
        exchange.head(200, {"Content-Encoding": "gzip", "Content-Length": len(data)})
        exchange.line.sendall(data)

    bench.hub.answer("/file", act)
    bench.get()
    assert bench.right()


def test_interim_answers_one_after_the_other(bench: Bench) -> None:
    def act(exchange: Exchange) -> None:
        for _ in range(3):
            exchange.line.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            time.sleep(0.1)
        exchange.line.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
        whole(exchange)

    bench.hub.answer("/file", act)
    bench.get()
    assert bench.right()
    assert len(bench.hub.requests) == 1


def test_an_address_that_leads_nowhere_costs_its_own_limit_only(bench: Bench) -> None:
    """A port that takes connections into its queue and never answers stands for a network that drops packets."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = [socket.socket() for _ in range(4)]
        for line in held:
            line.setblocking(False)
            line.connect_ex(full.getsockname())
        try:
            began = time.monotonic()
            url = f"http://127.0.0.1:{full.getsockname()[1]}/x"
            error = refused(bench, Source(url=url), fruitless=0, connect_timeout=0.3)
            assert error.code in ("connect-timeout", "answer-timeout")
            assert time.monotonic() - began < 10
        finally:
            for line in held:
                line.close()
