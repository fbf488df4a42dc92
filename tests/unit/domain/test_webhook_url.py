"""Where webhooks may be sent: nowhere but the public internet, by name and over TLS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.webhook_url import Target, WebhookUrlError, require_public, target_of

INSIDE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.127.255.255", "100.100.100.200", "168.63.129.16"),
    *("192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "3fff::1"),
    *("100::1", "5f00::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address):
    with pytest.raises(WebhookUrlError) as refused:
        require_public(address)
    assert refused.value.code == "WEBHOOK_ADDRESS"


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "223.5.5.5", "2606:4700:4700::1111", "2400:3200::1"])
def test_a_public_address_passes(address):
    require_public(address)


@pytest.mark.parametrize("address", [one for one in INSIDE if one not in ("127.0.0.1", "127.8.8.8", "::1")])
def test_a_developer_s_machine_is_its_loopback_address_and_nothing_else(address):
    with pytest.raises(WebhookUrlError):
        require_public(address, local=True)


@given(st.ip_addresses())
def test_no_private_address_passes(address):
    try:
        require_public(str(address))
    except WebhookUrlError:
        return
    assert address.is_global
    assert not any((address.is_private, address.is_loopback, address.is_link_local, address.is_multicast))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com", Target("https", "hooks.example.com", 443, "/")),
        ("https://Hooks.Example.com:8443/a/b?c=d", Target("https", "hooks.example.com", 8443, "/a/b?c=d")),
        ("https://xn--fiq228c.example/x", Target("https", "xn--fiq228c.example", 443, "/x")),
    ],
)
def test_a_url_of_the_public_internet_is_taken_apart(url, target):
    assert target_of(url) == target


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example.com/", "ftp://hooks.example.com/", "hooks.example.com", "", "https://", "https:///x"),
        *("https://hooks.example.com:80/", "https://hooks.example.com:22/", "https://hooks.example.com:99999/"),
        *("https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/", "https://127.1/"),
        *("https://localhost/", "https://a.localhost/", "https://db.internal/", "https://printer.local/"),
        *("https://metadata.google.internal/", "https://hooks/", "https://hooks.example.com@127.0.0.1/"),
        *("https://user:pw@hooks.example.com/", "https://hooks.example.com/#a", "https://hooks.example.com/ x"),
        *("https://hooks.example.com\\@evil.example/", "https://hooks.example.com/\r\nHost: x", "https://票.example/"),
        *("https://hooks.example.com/" + "x" * 2048, "https://-a.example.com/", "https://a..example.com/"),
    ],
)
def test_any_other_url_is_refused_with_its_field(url):
    with pytest.raises(WebhookUrlError) as refused:
        target_of(url)
    assert (refused.value.code, refused.value.field) == ("WEBHOOK_URL", "url")


def test_only_where_it_is_allowed_a_receiver_may_be_on_this_machine():
    assert target_of("http://127.0.0.1:8080/x", local=True) == Target("http", "127.0.0.1", 8080, "/x")


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://hooks.example.com/", "https://10.0.0.1/"])
def test_what_is_allowed_there_is_loopback_alone(url):
    with pytest.raises(WebhookUrlError):
        target_of(url, local=True)


@pytest.mark.parametrize(
    ("url", "authority"),
    [("https://a.example/", "a.example"), ("https://a.example:8443/", "a.example:8443")],
)
def test_the_host_header_names_the_port_where_it_is_not_the_usual_one(url, authority):
    assert target_of(url).authority == authority
