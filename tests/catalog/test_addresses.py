"""Which addresses may be used: https anywhere, http on this computer, and nothing that only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.catalog.addresses import AddressError, parse_address

HTTPS = "https://huggingface.co/org/name/resolve/main/x.bin"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:443/A", "https://example.com/A"),
        ("https://example.com:8443/a?Signature=secret", "https://example.com:8443/a"),
        ("http://127.0.0.1:7860/x", "http://127.0.0.1:7860/x"),
        ("http://127.8.9.10/x", "http://127.8.9.10/x"),
        ("http://localhost/x", "http://localhost/x"),
        ("http://LOCALHOST:80/x", "http://localhost/x"),
        ("http://[::1]:7860/x", "http://[::1]:7860/x"),
        ("http://[0:0:0:0:0:0:0:1]/x", "http://[::1]/x"),
        ("https://192.168.1.5/x", "https://192.168.1.5/x"),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
        ("https://bücher.example/ä b", "https://bücher.example/%C3%A4%20b"),
        ("https://xn--bcher-kva.example/x", "https://xn--bcher-kva.example/x"),
        ("https://a_b.example/x", "https://a_b.example/x"),
        ("https://example.com./x", "https://example.com./x"),
        ("https://example.com/a@b/%41", "https://example.com/a@b/%41"),
    ],
)
def test_what_may_be_used(url: str, plain: str) -> None:
    assert parse_address(url).plain == plain


LOOKALIKES = [
    "http://127.0.0.1.example.com/x",
    "http://127.evil.example/x",
    "http://127.0.0.1@evil.example/x",
    "http://localhost.evil.example/x",
    "http://localhost@evil.example/x",
    "http://localhost:80@evil.example/x",
    "http://evil.example#@127.0.0.1/x",
    "http://evil.example?@127.0.0.1/x",
    "http://evil.example\\@127.0.0.1/x",
    "http://127.0.0.1\\@evil.example/x",
    "http://127.0.0.1\\.evil.example/x",
    "http:\\\\127.0.0.1\\x",
    "http://127.0.0.1\t.evil.example/x",
    "http://127.0.0.1\n.evil.example/x",
    "http://127.0.0.1 .evil.example/x",
    " http://127.0.0.1/x",
    "http://127.0.0.1%2eevil.example/x",
    "http://127.0.0.1%00.evil.example/x",
    "http://localhost./x",
    "http://127.0.0.1./x",
    "http://127.1/x",
    "http://127.0.1/x",
    "http://2130706433/x",
    "http://0x7f000001/x",
    "http://0x7f.0.0.1/x",
    "http://0177.0.0.1/x",
    "http://017700000001/x",
    "http://127.0.0.01/x",
    "http://127.0.0.1.1/x",
    "http://127.0.0.256/x",
    "http://１２７.0.0.1/x",
    "http://127。0。0。1/x",
    "http://ⓛocalhost/x",
    "http://0.0.0.0/x",
    "http://0/x",
    "http://[::]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://[::ffff:7f00:1]/x",
    "http://[::127.0.0.1]/x",
    "http://[::1%25lo]/x",
    "http://[::1%lo]/x",
    "http://[::1].evil.example/x",
    "http://[::1]evil.example/x",
    "http://[::1]@evil.example/x",
    "http://[127.0.0.1]/x",
    "http://[::1/x",
    "http://::1/x",
    "http://128.0.0.1/x",
    "http://192.168.1.5/x",
    "http://example.com/x",
    "http:///127.0.0.1/x",
    "http:127.0.0.1/x",
    "//127.0.0.1/x",
]


@pytest.mark.parametrize("url", LOOKALIKES)
def test_plain_http_goes_to_this_computer_and_to_nothing_that_looks_like_it(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(url)
    assert caught.value.code in ("bad-address", "not-encrypted")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "https:",
        "https://",
        "https:///x",
        "https://:443/x",
        "https://?x",
        "https://a..b/x",
        "https://.a/x",
        "https://-a.example/x",
        f"https://{'a' * 64}.example/x",
        f"https://{'a.' * 130}example/x",
        "https://a b.example/x",
        "https://a%62.example/x",
        "https://user@example.com/x",
        "https://user:password@example.com/x",
        "https://example.com:0/x",
        "https://example.com:99999/x",
        "https://example.com:port/x",
        "https://example.com:８０/x",
        "https://example.com:-1/x",
        "https://example.com:" + "9" * 5000 + "/x",
        "https://1.2.3/x",
        "https://3232235777/x",
        "https://[::1%25eth0]/x",
        "https://[v1.x]/x",
        "https://example.com\\x",
        "https:\\\\example.com/x",
        "https://example.com/\r\nX-Header: 1",
        "https://example.com/\x00",
        "https://exa\u200bmple.com/x",
        "https://example.com/\u202ex",
        "https://example.com/" + "a" * 20_000,
        "file:///etc/passwd",
        "ftp://example.com/x",
        "javascript:alert(1)",
        "data:,x",
    ],
)
def test_what_is_no_address_or_could_be_read_in_two_ways(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(url)
    assert caught.value.code == "bad-address"
    assert "password" not in str(caught.value.why).replace("name or password", "")


@pytest.mark.parametrize(
    ("location", "plain"),
    [
        ("/a", "https://huggingface.co/a"),
        ("b c", "https://huggingface.co/org/name/resolve/main/b%20c"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("?x=1", "https://huggingface.co/org/name/resolve/main/x.bin"),
        ("https://cdn.example/x", "https://cdn.example/x"),
    ],
)
def test_where_a_redirect_leads(location: str, plain: str) -> None:
    assert parse_address(location, HTTPS).plain == plain


@pytest.mark.parametrize(
    "location", [*LOOKALIKES[:48], "//127.0.0.1@evil.example/x", "//[::bad", "\\\\evil.example/x"]
)
def test_a_redirect_is_judged_like_any_address(location: str) -> None:
    try:
        assert parse_address(location, HTTPS).scheme == "https"
    except AddressError:
        return


@given(st.text(alphabet=st.sampled_from("htps:/\\@.#?[]%127lo \tevil0xf。ⓛ-_"), max_size=40) | st.text())
def test_anything_is_judged_without_a_fault(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/x"):
        try:
            address = parse_address(url)
        except AddressError:
            continue
        assert address.scheme == "https" or address.loopback
        assert parse_address(address.url) == address
