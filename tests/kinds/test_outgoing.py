"""The guard on outgoing connections."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from scheduler.kinds.outgoing import Guard, Refused
from tests.kinds.conftest import Site


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "100.100.100.200", "168.63.129.16",
    "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::7f00:1", "fe80::1", "fe80::1%eth0",
    "ff02::1",    "fd00:ec2::254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
])  # fmt: skip
def test_it_closes_this_machine_its_link_and_metadata_by_default(address: str) -> None:
    assert not Guard().permits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "2606:4700::1", "fd12::1"])
def test_it_leaves_the_public_and_private_networks_open(address: str) -> None:
    assert Guard().permits(address)


def test_it_closes_what_is_denied_and_opens_what_is_allowed() -> None:
    guard = Guard(allow=["127.0.0.1", "10.1.2.0/24", "::1/128"], deny=["10.0.0.0/8", "fd00::/8"])
    answers = [guard.permits(address) for address in ("127.0.0.1", "::1", "10.1.2.3", "10.9.9.9", "fd12::1", "::ffff:10.9.9.9")]
    assert answers == [True, True, True, False, False, False]


def test_it_connects_to_the_address_it_checked_although_the_name_changes(
    monkeypatch: pytest.MonkeyPatch, make_site: Callable[[str], Site]
) -> None:
    site = make_site("127.0.0.2")
    answers = ["127.0.0.2", "127.0.0.1"]

    def rebinding(host: str, port: int, **rest: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with Guard(allow=["127.0.0.2"]).connect("rebind.example", site.server_port) as connection:
        assert connection.getpeername()[0] == "127.0.0.2"
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        Guard(allow=["127.0.0.2"]).connect("rebind.example", site.server_port)


def test_it_tries_only_the_permitted_addresses_of_a_name(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, site.server_port)) for address in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with Guard(allow=["127.0.0.1"]).connect("two.example", site.server_port) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
