"""Where a webhook may be sent: to the public internet, by name, over TLS, and nowhere inside.

Guards against server-side request forgery (CWE-918): the address is judged, not the name, at registration and again
at every attempt, and the connection goes to the very address that was judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from rongtong.domain.errors import InvalidInputError

PORTS = (443, 8443)
_LENGTH_MAX = 2048
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_INSIDE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "in-addr.arpa", "ip6.arpa")
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_INSIDE_V4 = tuple(
    IPv4Network(text)
    for text in (
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "168.63.129.16/32",  # a cloud's metadata at a public address
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_INSIDE_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # IETF protocol assignments: Teredo, ORCHID and others, which carry other addresses
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation (RFC 9637)
    )
)


class WebhookUrlError(InvalidInputError):
    """No webhook is sent there. Codes WEBHOOK_URL (its text) and WEBHOOK_ADDRESS (where its name leads)."""

    code = "WEBHOOK_URL"


@dataclass(frozen=True)
class Target:
    """A URL taken apart; ``path`` is what is asked for, with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110 section 7.2)."""
        return self.host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{self.host}:{self.port}"


def target_of(url: str, *, local: bool = False) -> Target:
    """The parts of a URL that a webhook may be sent to. Raises WebhookUrlError.

    ``https`` on port 443 or 8443, a host name with a dot in it (no address, no name of an inner network), neither user
    nor fragment. ``local`` is for receivers on the developer's own machine: also ``http`` and any port on a loopback
    address.
    """
    if len(url) > _LENGTH_MAX or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise _wrong(f"A URL has at most {_LENGTH_MAX} printable ASCII characters; write the host in punycode.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower().removesuffix("."), parts.port
    except ValueError as error:
        raise _wrong("This is no URL.") from error
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _wrong("A URL has neither user, password nor fragment.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if local and parts.scheme in ("http", "https") and _is_loopback(host):
        return Target(parts.scheme, host, {"https": 443, "http": 80}[parts.scheme] if port is None else port, path)
    if parts.scheme != "https":
        raise _wrong("A webhook is sent over https only.")
    if port not in (None, *PORTS):
        raise _wrong("The port is 443 or 8443.")
    if not _HOST.fullmatch(host) or any(host == name or host.endswith(f".{name}") for name in _INSIDE_NAMES):
        raise _wrong("The host is a name of the public internet, and no address.")
    return Target("https", host, 443 if port is None else port, path)


def require_public(address: str, *, local: bool = False) -> None:
    """Raises WebhookUrlError unless a connection to this address leaves for the public internet.

    Refused are private, loopback, link-local (169.254.169.254 and fd00:ec2::254 answer with credentials), shared
    (100.64.0.0/10), multicast, reserved and documentation addresses, and every form of IPv6 address that has an IPv4
    address inside. ``local`` lets loopback addresses pass.
    """
    parsed = ip_address(address.partition("%")[0])
    if local and any(parsed in network for network in _LOOPBACK):
        return
    if not (_is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)):
        raise WebhookUrlError(
            "The host's name leads to an address that is not of the public internet.",
            field="url",
            code="WEBHOOK_ADDRESS",
        )


def _is_public_v4(address: IPv4Address) -> bool:
    inside = address.is_multicast or address.is_reserved or any(address in network for network in _INSIDE_V4)
    return address.is_global and not inside


def _is_public_v6(address: IPv6Address) -> bool:
    return address in _GLOBAL_UNICAST and address.is_global and not any(address in one for one in _INSIDE_V6)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(text: str) -> WebhookUrlError:
    return WebhookUrlError(text, field="url", code="WEBHOOK_URL")
