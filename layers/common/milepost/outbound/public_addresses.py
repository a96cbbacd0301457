"""Which IP addresses are public. A workflow's URL may lead only to public addresses."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Network


_NOT_PUBLIC_4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared by a carrier's customers
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local: metadata of EC2 and ECS
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",  # private
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
)
_GLOBAL_UNICAST_6 = "2000::/3"
"""All other addresses are refused: loopback, mapped and compatible addresses, unique local ones
(with EC2's metadata), link-local, site-local, multicast, discard, and 64:ff9b:1::/48 (local NAT64).
"""
_NOT_PUBLIC_6 = (
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: carries any IPv4 address; deprecated since 2015
    "3fff::/20",  # documentation
)
_NAT64 = "64:ff9b::/96"
"""NAT64: a network without IPv4 reaches IPv4 addresses here. Public if the IPv4 address is."""
_ISATAP = 0x5EFE
"""The third quarter of an ISATAP address, without the bit 0x0200; the last quarter is an IPv4
address."""


def is_public(address: str) -> bool:
    """Whether an IP address, given as text, is public.

    The lists are IANA's registries of special-purpose addresses (RFC 6890 and later). The standard
    library's `is_global` is not used: its results for NAT64 and 6to4 differ between versions.
    """
    from ipaddress import IPv4Address, ip_address  # other handlers never need it

    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_4(parsed)
    if parsed.scope_id is not None:
        return False
    number = int(parsed)
    _, nat64, global_unicast, refused = _networks()
    if parsed in nat64:
        return _is_public_4(IPv4Address(number & 0xFFFFFFFF))
    if number >> 32 & 0xFDFFFFFF == _ISATAP:
        return False
    return parsed in global_unicast and not any(parsed in network for network in refused)


def _is_public_4(address: "IPv4Address") -> bool:
    return not any(address in network for network in _networks()[0])


@cache
def _networks() -> (
    "tuple[tuple[IPv4Network, ...], IPv6Network, IPv6Network, tuple[IPv6Network, ...]]"
):
    from ipaddress import IPv4Network, IPv6Network

    return (
        tuple(map(IPv4Network, _NOT_PUBLIC_4)),
        IPv6Network(_NAT64),
        IPv6Network(_GLOBAL_UNICAST_6),
        tuple(map(IPv6Network, _NOT_PUBLIC_6)),
    )
