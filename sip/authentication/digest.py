"""Digest authentication: RFC 7616 as SIP uses it (RFC 8760, RFC 3261 section 22). The arithmetic and the client.

The server side is `sip.authentication.digest_server`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs
from cryptography.hazmat.primitives import hashes

from sip.errors import RemoteProtocolError
from sip.field_types import MAY_BE_EMPTY, checks_types
from sip.headers.auth_params import AuthParams, split_auth
from sip.headers.challenge import Authorization, Challenge
from sip.syntax.grammar import quote

if TYPE_CHECKING:
    from sip.entropy import Entropy
    from sip.message.request import Request
    from sip.message.response import Response


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sha512_256(data: bytes) -> str:
    # Not from hashlib: whether that one knows SHA-512/256 depends on the OpenSSL behind it.
    digest = hashes.Hash(hashes.SHA512_256())
    digest.update(data)
    return digest.finalize().hex()


#: Hash functions by algorithm name in lower case (RFC 8760 section 2.2).
ALGORITHMS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "sha-512-256": _sha512_256,
    "sha-256": _sha256,
    "md5": _md5,
}

#: Challenges and what answers them, of servers and of proxies (RFC 3261 sections 22.2 and 22.3).
_HEADERS: Final = (("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization"))
#: Nonces in a row that a server may call stale for one request; one is usual, two happen when it restarts.
_MOST_RENEWALS: Final = 3
#: Refusals of one request that are answered with credentials, all servers together: the proxies of both domains and the
#: callee may each ask once (RFC 3261 sections 22.1 to 22.3), or one asks and then calls its nonce stale twice.
MAX_CHALLENGED: Final = 3
#: Realms that one refusal is answered for: a proxy that forks gathers the challenges of its branches, seldom many.
_MOST_REALMS: Final = 8


@attrs.frozen(field_transformer=checks_types)
class Credentials:
    """What a user knows. Never shown in a repr."""

    username: str = attrs.field(metadata=MAY_BE_EMPTY)
    password: str = attrs.field(repr=False, metadata=MAY_BE_EMPTY)
    #: Hosts, as in `Uri.host_port`, whose addresses must be called for a challenge to be answered with these; empty:
    #: any. Whoever is called can name any realm, and guesses the password from the hash that it gets.
    servers: frozenset[str] = frozenset()


def _octets(text: str) -> bytes:
    """As the octets went over the wire, those too that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def base_algorithm(name: str) -> str:
    """The hash behind an algorithm name, in lower case: ``MD5-sess`` gives ``md5``."""
    return name.lower().removesuffix("-sess")


def secret_of(algorithm: str, username: str, realm: str, password: str) -> str:
    """H(username:realm:password) in hexadecimal: what servers keep in place of passwords (RFC 7616 section 3.4.2)."""
    return ALGORITHMS[base_algorithm(algorithm)](_octets(f"{username}:{realm}:{password}"))


def digest_response(
    secret: str,
    *,
    algorithm: str,
    method: str,
    uri: str,
    nonce: str,
    nc: str = "",
    cnonce: str = "",
    qop: str | None = None,
    body: bytes = b"",
) -> str:
    """The request-digest of RFC 7616 section 3.4.1, from ``secret_of`` the user.

    ``uri`` is the digest-uri exactly as it stands in the credentials; without ``qop`` the form of RFC 2069 is used.
    """
    hashed = ALGORITHMS[base_algorithm(algorithm)]
    if algorithm.lower().endswith("-sess"):
        secret = hashed(_octets(f"{secret}:{nonce}:{cnonce}"))
    a2 = f"{method}:{uri}"
    if qop == "auth-int":
        a2 += f":{hashed(body)}"
    middle = f"{nonce}:{nc}:{cnonce}:{qop}" if qop else nonce
    return hashed(_octets(f"{secret}:{middle}:{hashed(_octets(a2))}"))


def same_digest(left: str, right: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(_octets(left.lower()), _octets(right.lower()))


class DigestClient:
    """Answers 401 and 407 for a user agent.

    ``credentials`` gives the credentials for a realm, or None. One client serves all requests of an element: it counts
    how often each nonce was used. A second refusal of the same credentials is not answered again, unless the server
    only says that the nonce is stale (RFC 3261 section 22.2).
    """

    def __init__(
        self, credentials: Callable[[str], Credentials | None], *, entropy: Entropy, max_nonces: int = 1_000
    ) -> None:
        self._credentials = credentials
        self._entropy = entropy
        self._max_nonces = max_nonces  # nonces counted; a forgotten one begins again and is refused as stale at worst
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._known_calls: OrderedDict[tuple[str, str], None] = OrderedDict()  # those whose realm was given credentials
        self._renewals: OrderedDict[str, int] = OrderedDict()  # how many stale ones came before a nonce, in a row

    def answer(self, response: Response, request: Request) -> tuple[tuple[str, str], ...]:
        """Headers with which ``request``, refused by ``response``, can be tried again; none when it is of no use.

        ``request`` is what was sent, with the credentials that it carried. The new request also needs CSeq + 1 and
        another branch.
        """
        if response.status not in (401, 407):
            return ()
        # Proxies gather the challenges of all branches in one answer, of both kinds (RFC 3261 section 16.7 step 7).
        return tuple(
            (answered_in, str(value))
            for asked_in, answered_in in _HEADERS
            for value in self._answers(
                response.headers.get_all(asked_in), request.headers.get_all(answered_in), request
            )
        )

    def _answers(self, asked: Iterable[str], given: Iterable[str], request: Request) -> list[Authorization]:
        """Credentials for all challenges of one kind; none when there is no use in any."""
        sent = tuple(_readable(given))
        answers: dict[str, Authorization] = {}
        for challenge in _usable(asked):
            if len(answers) >= _MOST_REALMS:
                break
            realm = challenge.realm or ""
            credentials = None if realm in answers or self._was_refused(challenge, sent) else self._for(realm, request)
            if credentials is not None:
                answers[realm] = self._authorization(challenge, credentials, request)
        if not answers:
            return []
        renewed = [self._renewed(each, request) for each in sent if (each.realm or "") not in answers]
        return [*renewed, *answers.values()]

    def _for(self, realm: str, request: Request) -> Credentials | None:
        """The credentials for a realm, if they may be shown to whom a request goes.

        In a dialog the Request-URI is what the far end chose, so there counts whether its INVITE was to go there.
        """
        credentials = self._credentials(realm)
        if credentials is None or not credentials.servers:
            return credentials
        call = (request.call_id, realm)
        if request.to.tag is not None:
            return credentials if call in self._known_calls else None
        self._known_calls.pop(call, None)
        if request.uri.host_port not in credentials.servers or "maddr" in request.uri.params:
            return None
        self._known_calls[call] = None
        if len(self._known_calls) > self._max_nonces:
            self._known_calls.popitem(last=False)
        return credentials

    def _was_refused(self, challenge: Challenge, sent: Iterable[Authorization]) -> bool:
        """Whether the request already carried credentials for that realm, and they were not merely stale.

        A server that finds each nonce stale that it gives out is not believed for ever.
        """
        before = next((each.params.get("nonce", "") for each in sent if each.realm == challenge.realm), None)
        if before is None:
            return False
        if challenge.params.get("stale", "").strip().lower() != "true" or challenge.params["nonce"] == before:
            return True
        times = self._renewals.pop(before, 0) + 1
        self._renewals[challenge.params["nonce"]] = times
        if len(self._renewals) > self._max_nonces:
            self._renewals.popitem(last=False)
        return times > _MOST_RENEWALS

    def _renewed(self, sent: Authorization, request: Request) -> Authorization:
        """Credentials for another server on the way, counted on: it has seen this count (RFC 3261 section 22.3)."""
        asked = Challenge(sent.scheme, sent.params)
        credentials = self._for(sent.realm or "", request) if _can_answer(asked) else None
        return sent if credentials is None else self._authorization(asked, credentials, request)

    def _authorization(self, challenge: Challenge, credentials: Credentials, request: Request) -> Authorization:
        """One set of credentials (RFC 7616 section 3.4)."""
        realm, nonce = challenge.realm or "", challenge.params["nonce"]
        algorithm = _algorithm(challenge)
        qop = _chosen_qop(challenge)
        nc, cnonce = f"{self._count(nonce):08x}", self._entropy.token(8)
        uri = str(request.uri)
        answer = digest_response(
            secret_of(algorithm, credentials.username, realm, credentials.password),
            algorithm=algorithm,
            method=request.method,
            uri=uri,
            nonce=nonce,
            nc=nc,
            cnonce=cnonce,
            qop=qop,
            body=request.body,
        )
        quoted = {"username": credentials.username, "realm": realm, "nonce": nonce, "uri": uri, "response": answer}
        params = {name: quote(value) for name, value in quoted.items()}
        if challenge.params.get("algorithm"):
            params["algorithm"] = algorithm
        if qop or algorithm.lower().endswith("-sess"):
            params["cnonce"] = quote(cnonce)
        if qop:
            params |= {"qop": qop, "nc": nc}
        if "opaque" in challenge.params:
            params["opaque"] = quote(challenge.params["opaque"])
        return Authorization("Digest", AuthParams(params))

    def _count(self, nonce: str) -> int:
        count = self._counts.pop(nonce, 0) + 1
        self._counts[nonce] = count
        if len(self._counts) > self._max_nonces:
            self._counts.popitem(last=False)
        return count


def _chosen_qop(challenge: Challenge) -> str | None:
    """auth where it is offered; auth-int only when nothing else is, because proxies may change bodies."""
    offered = _offered_qop(challenge)
    return next((q for q in ("auth", "auth-int") if q in offered), None)


def _offered_qop(challenge: Challenge) -> list[str]:
    """The qop values of a challenge; an empty list of them is none (RFC 2069 knew none)."""
    return [each for q in challenge.params.get("qop", "").split(",") if (each := q.strip().lower())]


def _algorithm(challenge: Challenge) -> str:
    return challenge.params.get("algorithm", "").strip() or "MD5"


def _usable(lines: Iterable[str]) -> Iterator[Challenge]:
    """Challenges that we can answer, in the order of the server's preference (RFC 8760 section 2.4)."""
    for each in [each for line in lines for each in split_auth(line)]:
        try:
            challenge = Challenge.parse(each)
        except RemoteProtocolError:
            continue  # What nobody can read cannot be answered; another one may be readable.
        if _can_answer(challenge):
            yield challenge


def _can_answer(challenge: Challenge) -> bool:
    known = base_algorithm(_algorithm(challenge)) in ALGORITHMS
    offers_known_qop = not _offered_qop(challenge) or _chosen_qop(challenge) is not None
    return challenge.scheme.lower() == "digest" and known and offers_known_qop and "nonce" in challenge.params


def _readable(lines: Iterable[str]) -> Iterator[Authorization]:
    for each in [each for line in lines for each in split_auth(line)]:
        try:
            yield Authorization.parse(each)
        except RemoteProtocolError:
            continue
