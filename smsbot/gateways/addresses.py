"""Which internet addresses a fetch on somebody else's word may reach: public ones only. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# IANA special-purpose registries (RFC 6890 and its updates), written out because `is_global` has changed between
# Python releases and says yes to some that lead back inside (relay anycast, IPv4-compatible, site-local).
CLOSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Reachable from inside a cloud only: the platform's own resolver and metadata at one provider.
        "168.63.129.16/32",
    )
)
GLOBAL_V6 = IPv6Network("2000::/3")  # the only block IANA hands out: mapped, NAT64, ULA, link-local lie outside
CLOSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo (2001::/32) among them: it wraps an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4 wraps an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


def is_public(address: IPv4Address | IPv6Address | str) -> bool:
    """Whether `address` is a host on the open internet.

    Every IPv6 form that wraps an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) is refused, whatever it wraps:
    no media host publishes one.
    """
    address = ip_address(address) if isinstance(address, str) else address
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_V4)
    return address.scope_id is None and address in GLOBAL_V6 and not any(address in network for network in CLOSED_V6)
