"""Wrong passwords: how many are heard from one source, and for one user, in a time.

What must not come of it is a way to lock somebody out. So a user who proved himself from a source lately is heard from
there, whatever others send: a phone registers again while its name, or its site, is attacked. Of wrong passwords with
his name from his own source there is a limit, too.

What must not come of it either is a way to learn something. So a wrong password is answered alike whoever is named, and
once the limit is reached, so is a right one that is not heard.

A source that can be forged is not charged: over UDP credentials are looked at when they answer a challenge that was
sent to that source (`DigestServer`).
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from typing import Final

import attrs

from sip.authentication.identification import Refused
from sip.authentication.origin import Origins
from sip.errors import LocalProtocolError
from sip.field_types import checks_types
from sip.networks import Networks
from sip.token_bucket import TokenBuckets

#: Sources, and users, of which wrong passwords are remembered, about 200 octets each. Who wants one to be forgotten has
#: to guess wrong as often as that, and gains some guesses.
_MOST_GUESSERS: Final = 10_000
#: Users with the sources from which they proved themselves, about 300 octets each.
_MOST_PROVED: Final = 20_000


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class WrongPasswordLimits:
    """How many wrong passwords are heard. Raises LocalProtocolError for what is no number above 0, or no network."""

    #: From one source. Behind one address is a site, where a few phones may not know of a new password and try twice a
    #: minute.
    per_source: int = 100
    #: For one user name, from everywhere: more than anybody mistypes; by ``window`` it is 2,880 guesses a day.
    per_user: int = 20
    window: float = 600.0  #: seconds in which as many come again
    #: Seconds for which a user is heard from where he proved himself: a phone that is switched off at night comes back.
    proved_lifetime: float = 86_400.0
    #: Source networks that have no such limit, beside those that need no password: our own parts. What a proxy there
    #: passes on counts for whom it got it from, as its Via says (RFC 3261 section 18.2.1).
    exempt_networks: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        for name in ("per_source", "per_user", "window", "proved_lifetime"):
            if not 0 < getattr(self, name) < math.inf:
                raise LocalProtocolError(f"{name} must be above 0, not {getattr(self, name):g}")
        try:
            Networks(self.exempt_networks)
        except ValueError as error:
            raise LocalProtocolError(f"exempt_networks: {error}") from error


class WrongPasswords:
    """Counts wrong passwords, and says which credentials are heard."""

    def __init__(self, limits: WrongPasswordLimits) -> None:
        self.origins = Origins(limits.exempt_networks)  #: what ``source`` means here
        self._lifetime = limits.proved_lifetime

        def buckets(most: int, limit: int) -> TokenBuckets:
            return TokenBuckets(rate=most / limits.window, burst=most, limit=limit)

        self._sources = buckets(limits.per_source, _MOST_GUESSERS)
        self._users = buckets(limits.per_user, _MOST_GUESSERS)
        self._pairs = buckets(limits.per_user, _MOST_GUESSERS)
        self._proved: OrderedDict[str, float] = OrderedDict()  # when, by user and source

    def __len__(self) -> int:
        return len(self._sources) + len(self._users) + len(self._pairs) + len(self._proved)

    def right(self, username: str, source: str, *, now: float) -> Refused | None:
        """A right password came: None, and it is remembered from where, or the refusal when it is not heard."""
        if self.origins.are_ours(source):
            return None
        user = _key(username)
        pair = f"{user} {source}"
        wait = self._wait(source, user, now)
        if wait > 0.0 and not (self._is_proved(pair, now) and self._pairs.wait(pair, now=now) == 0.0):
            return _refused(wait)
        self._proved[pair] = now
        self._proved.move_to_end(pair)
        if len(self._proved) > _MOST_PROVED:
            self._proved.popitem(last=False)
        return None

    def wrong(self, username: str, source: str, *, now: float) -> Refused | None:
        """A wrong password came: None when its sender may try again, or the refusal."""
        if self.origins.are_ours(source):
            return None
        user = _key(username)
        pair = f"{user} {source}"
        if self._is_proved(pair, now):
            self._pairs.take(pair, now=now)
        wait = self._wait(source, user, now)
        if wait > 0.0:
            return _refused(wait)
        self._sources.take(source, now=now)
        self._users.take(user, now=now)
        return None

    def _wait(self, source: str, user: str, now: float) -> float:
        return max(self._sources.wait(source, now=now), self._users.wait(user, now=now))

    def _is_proved(self, pair: str, now: float) -> bool:
        return now - self._proved.get(pair, -math.inf) <= self._lifetime


def _key(username: str) -> str:
    """What a user name is counted under, however long a stranger makes it; upper case is no other user."""
    return hashlib.sha256(username.lower().encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _refused(wait: float) -> Refused:
    return Refused(status=503, headers=(("Retry-After", str(max(1, math.ceil(wait)))),))
