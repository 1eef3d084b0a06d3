"""Wrong passcodes: how many may come from one source, and for one conference, in a time."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

import attrs

#: Bits of an IPv6 address that one subscriber has all of (RFC 6177): whoever has one address has the others.
_IPV6_PREFIX: Final = 64


def source_of(host: str) -> str:
    """What counts as one source: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))


@attrs.define
class _Level:
    """A leaky bucket: each wrong guess fills it by one, time empties it."""

    filled: float
    at: float


class Guesses:
    """At most ``most`` wrong guesses for each key in ``window`` seconds; after a pause there are some again.

    ``limit`` keys are remembered; of more the one whose last guess is longest ago is forgotten.
    """

    def __init__(self, *, most: int, window: float, limit: int) -> None:
        self._most = most
        self._window = window
        self._limit = limit
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def wait(self, key: str, *, now: float) -> float:
        """Seconds until another guess is heard; 0 for at once."""
        return max(0.0, (self._filled(key, now) + 1.0 - self._most) * self._window / self._most)

    def wrong(self, key: str, *, now: float) -> None:
        """Note a wrong guess."""
        filled = self._filled(key, now) + 1.0
        self._levels[key] = _Level(filled, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._limit:
            self._levels.popitem(last=False)

    def _filled(self, key: str, now: float) -> float:
        level = self._levels.get(key)
        return 0.0 if level is None else max(0.0, level.filled - (now - level.at) * self._most / self._window)
