"""Challenges and credentials of our own realm, which no proxy passes on.

Credentials for us have done their work here, and whoever is further on could use them with us. And nobody further on
may ask for them: who answers a challenge of our realm that somebody else has made, with a nonce that he got from us,
signs a request of that somebody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from sip.errors import RemoteProtocolError
from sip.headers.auth_params import split_auth
from sip.headers.challenge import Authorization, Challenge
from sip.message.request import Request
from sip.message.response import Response

_CREDENTIALS: Final = ("Proxy-Authorization", "Authorization")
_REALM: Final = re.compile(r"\brealm[ \t]*=", re.IGNORECASE)
_CHALLENGES: Final = ("Proxy-Authenticate", "WWW-Authenticate")


def without_credentials(request: Request, realm: str | None) -> Request:
    """A request without credentials for a realm; None is no realm."""
    if realm is None:
        return request
    changes: dict[str, object] = {
        name: _of_others(request.headers.get_all(name), realm, lambda text: Authorization.parse(text).realm) or None
        for name in _CREDENTIALS
        if name in request.headers
    }
    return request.evolve(set=changes) if changes else request


def without_challenges(response: Response, realm: str | None) -> Response:
    """An answer without challenges of a realm; one that asks for nothing any more is 403."""
    if realm is None or not any(name in response.headers for name in _CHALLENGES):
        return response
    changes: dict[str, object] = {
        name: _of_others(response.headers.get_all(name), realm, lambda text: Challenge.parse(text).realm) or None
        for name in _CHALLENGES
        if name in response.headers
    }
    answer = response.evolve(set=changes)
    if answer.status not in (401, 407) or any(name in answer.headers for name in _CHALLENGES):
        return answer
    return answer.evolve(status=403)


def _of_others(lines: Iterable[str], realm: str, realm_of: Callable[[str], str | None]) -> list[str]:
    """Those of other realms; what cannot be read might be of ours, and is of no use to anybody else."""
    kept = []
    for each in [each for line in lines for each in split_auth(line)]:
        try:
            theirs = realm_of(each)
        except RemoteProtocolError:
            continue
        if len(_REALM.findall(each)) > 1:
            continue  # which of them counts is up to who reads it
        if theirs is None or theirs.strip().lower() != realm.strip().lower():
            kept.append(each)
    return kept
