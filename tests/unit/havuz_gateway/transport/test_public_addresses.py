"""Which addresses a client's URL may lead to."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from havuz_gateway.transport.addresses import is_public, may_be_called, read_networks

PRIVATE = (
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.1",
)
PRIVATE_6 = (
    "::", "::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3ffe::1",
    "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::a9fe:a9fe", "fe80::1%eth0",
    "fec0::1", "ff02::1", "2600::5efe:10.0.0.1", "2600::200:5efe:127.0.0.1", "2600::1%eth0",
)  # fmt: skip
PUBLIC_6 = (
    "2606:4700:4700::1111",
    "2a00:1450:4001:80e::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2600::5efe:8.8.8.8",
)


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE_6])
def test_an_address_inside_may_not_be_called(address: str) -> None:
    assert not may_be_called(address, ())


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_6])
def test_a_public_address_may_be_called(address: str) -> None:
    assert may_be_called(address, ())


@pytest.mark.parametrize("address", ["", "localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.1/8"])
def test_what_is_no_address_may_not_be_called(address: str) -> None:
    assert not may_be_called(address, read_networks("0.0.0.0/0 ::/0"))


def test_a_network_that_is_allowed_is_allowed_and_nothing_beside_it() -> None:
    allow = read_networks("10.1.0.0/16, fd00::/64")
    assert may_be_called("10.1.255.255", allow)
    assert may_be_called("fd00::1", allow)
    assert not may_be_called("10.2.0.0", allow)
    assert not may_be_called("::ffff:10.1.0.1", allow)


def test_a_network_that_can_not_be_read_is_told() -> None:
    with pytest.raises(ValueError, match=r"'10\.1\.0\.0/99' is no network"):
        read_networks("10.0.0.0/8 10.1.0.0/99")


@given(integers(0, 2**32 - 1))
def test_what_python_knows_to_be_private_is_never_public(number: int) -> None:
    address = IPv4Address(number)
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not is_public(address)


@given(integers(0, 2**32 - 1))
def test_an_address_in_another_is_judged_like_itself_or_worse(number: int) -> None:
    inner = IPv4Address(number)
    mapped, translated, tunnelled = (
        IPv6Address(int(ip_address(base)) + (number << shift))
        for base, shift in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80))
    )
    assert is_public(mapped) == is_public(translated) == is_public(inner)
    assert not is_public(tunnelled)
