"""Which proxy is used, whoever asks: variables, Windows' setting, exceptions, and settings that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.decide.proxies import (
    Proxies,
    Proxy,
    ProxyError,
    from_variables,
    parse_internet_settings,
    parse_proxy,
    spared,
)


@pytest.mark.parametrize(
    ("env", "https", "http"),
    [
        ({}, None, None),
        ({"NO_PROXY": "x", "https_proxy": " "}, None, None),
        ({"https_proxy": "http://a:1"}, "http://a:1", None),
        ({"HTTPS_PROXY": "http://a:1", "HTTP_PROXY": "b:2"}, "http://a:1", "b:2"),
        ({"Https_Proxy": "http://a:1"}, "http://a:1", None),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2"}, "http://b:2", None),
        ({"ALL_PROXY": "socks5://a:1"}, "socks5://a:1", "socks5://a:1"),
        ({"ALL_PROXY": "socks5://a:1", "http_proxy": "b"}, "socks5://a:1", "b"),
    ],
)
def test_variables(env: dict[str, str], https: str | None, http: str | None) -> None:
    found = from_variables(env) or Proxies()
    assert (found.https, found.http) == (https, http)


def test_windows_own_setting() -> None:
    both = parse_internet_settings(
        {"ProxyEnable": 1, "ProxyServer": "http=a:1;https=b:2", "ProxyOverride": "<local>;*.x"}
    )
    assert both == Proxies(http="http://a:1", https="http://b:2", no="<local>,*.x", origin="Windows settings")
    one = parse_internet_settings({"ProxyEnable": 1, "ProxyServer": " a:1 "})
    assert one == Proxies(http="http://a:1", https="http://a:1", origin="Windows settings")
    socks = parse_internet_settings({"ProxyEnable": 1, "ProxyServer": "socks=a:1080;ftp=c:3"})
    assert socks == Proxies(http="socks4://a:1080", https="socks4://a:1080", origin="Windows settings")
    nothing = (
        {"ProxyEnable": 0, "ProxyServer": "a:1"},
        {"ProxyEnable": 1},
        {"ProxyEnable": 1, "ProxyServer": "ftp=c:3"},
    )
    assert [parse_internet_settings(values) for values in nothing] == [None] * 3


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("localhost", "127.0.0.1, localhost"),
        ("cdn.example.org", ".example.org"),
        ("cdn.example.org", "example.org"),
        ("cdn.example.org", "*.example.org"),
        ("CDN.Example.org", "example.ORG"),
        ("cdn.example.org.", "example.org"),
        ("x", "*"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/8"),
        ("10.1.2.3", "192.168.0.0/16 10.1.2.0/24"),
        ("2001:db8::1", "2001:db8::/32"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("2001:db8::1", "2001:DB8:0::1"),
        ("192.168.1.5", "192.168.*"),
        ("intranet", "<local>"),
        ("example.org", "example.org:443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
    ],
)
def test_spared(host: str, no_proxy: str) -> None:
    assert spared(host, no_proxy, 443)
    assert Proxies(https="http://p:1", no=no_proxy).get("https", host, 443) is None


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("badexample.org", "example.org"),
        ("example.org", ""),
        ("example.org", ","),
        ("example.org", "."),
        ("example.org", "cdn.example.org"),
        ("11.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.0.0.0/99"),
        ("10.1.2.3", "2001:db8::/32"),
        ("110.1.2.3", "10.1.2.3"),
        ("1.10.1.2.3.example", "10.0.0.0/8"),
        ("example.org", "example.org:8443"),
        ("example.org", "<local>"),
        ("193.168.1.5", "192.168.*"),
    ],
)
def test_not_spared(host: str, no_proxy: str) -> None:
    assert not spared(host, no_proxy, 443)
    assert Proxies(https="http://p:1", no=no_proxy).get("https", host, 443) == "http://p:1"


@pytest.mark.parametrize(
    ("setting", "proxy"),
    [
        ("proxy:3128", Proxy(scheme="http", host="proxy", port=3128)),
        ("proxy", Proxy(scheme="http", host="proxy", port=80)),
        ("https://proxy", Proxy(scheme="https", host="proxy", port=443)),
        ("socks5://proxy", Proxy(scheme="socks5", host="proxy", port=1080)),
        ("socks://proxy:9/", Proxy(scheme="socks5h", host="proxy", port=9)),
        ("http://[::1]:9", Proxy(scheme="http", host="::1", port=9)),
        ("http://me:p%40ss@proxy:9", Proxy(scheme="http", host="proxy", port=9, name="me", password="p@ss")),
        ("http://me@proxy:9", Proxy(scheme="http", host="proxy", port=9, name="me")),
    ],
)
def test_how_a_setting_is_read(setting: str, proxy: Proxy) -> None:
    assert parse_proxy(setting) == proxy
    assert parse_proxy(proxy.full) in (proxy, parse_proxy(f"{proxy.full}/"))
    assert "p@ss" not in repr(proxy) + proxy.plain


@pytest.mark.parametrize(
    "setting",
    ["://", "http://", "http://:80", "http://proxy:port", "http://proxy:99999", "http://proxy:0", "http://[::1",
     "[", "http://pro xy:1", "http://proxy:" + "9" * 5000, "gopher://proxy:1", "http://a\\b:1", "http://p%41:1",
     "\x00"],
)  # fmt: skip
def test_a_setting_that_is_none_is_named_without_its_password(setting: str) -> None:
    with pytest.raises(ProxyError):
        parse_proxy(setting)
    with pytest.raises(ProxyError) as caught:
        parse_proxy(setting.replace("://", "://me:secret@", 1) if "://" in setting else f"me:secret@{setting}")
    assert "secret" not in str(caught.value.why)


@given(st.text(alphabet=st.sampled_from("htps:/\\@.#?[]%0123456789ox,* <>l\t")) | st.text())
def test_any_setting_is_a_proxy_or_an_error_with_a_sentence(text: str) -> None:
    try:
        assert parse_proxy(text).host
    except ProxyError as error:
        assert str(error.why)
    spared("example.org", text, 443)
    spared("10.0.0.1", text, 443)
    spared(text, "10.0.0.0/8,[::1]:80,*.x.*", 443)
