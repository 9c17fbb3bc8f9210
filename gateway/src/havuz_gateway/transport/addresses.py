"""Which addresses a URL that a client supplied may lead to: public unicast ones, and nothing that only looks public.

What is special is listed here, from the IANA registries, so that it does not change with the version of Python:
https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; clouds put metadata there, too
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host agent, at an address that is public in form only
        "169.254.0.0/16",  # link-local, with the clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # all that is assigned as global unicast; whatever else there is, is not public
_NOT_PUBLIC_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo, which carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3ffe::/16",  # 6bone, given back
        "3fff::/20",  # documentation
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")  # https://www.rfc-editor.org/rfc/rfc6052: where a network has IPv6 only
_ISATAP = (0x00005EFE, 0x02005EFE)  # https://www.rfc-editor.org/rfc/rfc5214#section-6.1


def is_public(address: Address) -> bool:
    """Whether this is an address of the public internet, also of what it embeds."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _MAPPED or address in _NAT64:
        return is_public(low)
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP and not is_public(low):
        return False
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def may_be_called(address: str, allow: Sequence[Network]) -> bool:
    """Whether `address`, as a resolver writes it, is public or in one of the networks that whoever runs havuz allows.

    What is no address may not be called.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return is_public(parsed) or any(parsed in network for network in allow)


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks such as `10.1.0.0/16, fd00::/8`. Raises `ValueError` with a sentence."""
    networks: list[Network] = []
    for item in text.replace(",", " ").split():
        try:
            networks.append(ip_network(item))
        except ValueError:
            raise ValueError(f"{item!r} is no network: write an address and a prefix, such as 10.1.0.0/16") from None
    return tuple(networks)
