"""Which addresses the server may connect to on a task's or a rule's behalf, and connecting to them; no HTTP here."""

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Closed unless a setting opens them: this machine, its link, multicast and reserved ranges, the clouds' metadata services.
CLOSED = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "::/128",
    "::1/128",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
)
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
CONNECT_SECONDS = 10.0


class Refused(Exception):
    """The guard does not let us connect there; the text names the address."""


def _networks(ranges: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in ranges)


class Guard:
    """Says which addresses are open: the ranges of `allow` win over those of `deny` and over what is closed by default."""

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        self._open = _networks(allow)
        self._shut = _networks((*CLOSED, *deny))

    def permits(self, address: str) -> bool:
        """Whether connecting to `address`, a numeric one as the system writes it, is allowed."""
        meant = list(_meanings(address))
        return _within(meant, self._open) or not _within(meant, self._shut)

    def connect(self, host: str, port: int, seconds: float | None = None) -> socket.socket:
        """A connection to a permitted address of `host`; `Refused` when it has none.

        The address connected to is the one that was checked: a name that changes its answer meanwhile gains nothing.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        allowed = [entry for entry in found if self.permits(str(entry[4][0]))]
        if not allowed:
            raise Refused(f"{host} is at {found[0][4][0]}, an address that security.outgoing_allow does not open")
        return _first(allowed, min(seconds or CONNECT_SECONDS, CONNECT_SECONDS), seconds)


def _within(addresses: Iterable[Address], networks: tuple[Network, ...]) -> bool:
    return any(address in network for address in addresses for network in networks)


def _meanings(address: str) -> Iterator[Address]:
    """The address itself and the IPv4 address that an IPv6 one may stand for."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    yield parsed
    if isinstance(parsed, ipaddress.IPv4Address):
        return
    for inner in (parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())):
        if inner is not None:
            yield inner
    if parsed in _TRANSLATED or (parsed in _COMPATIBLE and int(parsed) > 1):
        yield ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)


def _first(entries: Iterable[Any], wait: float, rest: float | None) -> socket.socket:
    """A connection to the first of the addresses that answers; the last one's error when none does."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in entries:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(wait)
        try:
            connection.connect(address)
            connection.settimeout(rest)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure or OSError("no address")
