"""The server side of Digest: challenges, store-less nonces, the check of credentials (RFC 7616, RFC 8760).

A nonce is a time, whom it was given to, some chance and an HMAC over them, so no server remembers those it gave out,
and several processes that share the key accept each other's. Only the nonce counts of those in use are kept, in a
bounded cache.

The nonce is looked at before the password: credentials with a nonce that is not good are told so (``stale``, RFC 7616
section 3.3) and nothing about the password. Otherwise whoever has no nonce could guess.
"""

from __future__ import annotations

import base64
import enum
import hmac
import re
import struct
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs

from sip.authentication.digest import base_algorithm, digest_response, same_digest, secret_of
from sip.authentication.identification import Pending
from sip.authentication.nonce_counts import NonceCounts
from sip.entropy import Entropy
from sip.errors import RemoteProtocolError
from sip.field_types import checks_types
from sip.headers.auth_params import AuthParams, split_auth
from sip.headers.challenge import Authorization, Challenge
from sip.message.request import Request
from sip.syntax.grammar import quote
from sip.syntax.uri import Uri

_NONCE: Final = struct.Struct("!Q4s4s16s")  # milliseconds of wall clock, mark of the source, chance, HMAC
_COUNT: Final = re.compile("[0-9A-Fa-f]{8}")  #: a nonce count (RFC 7616 section 3.4)


class CredentialStore(Protocol):
    """Where a server finds what it knows of its users."""

    def secret(self, username: str, realm: str, algorithm: str) -> str | Pending | None:
        """Return H(username:realm:password) in hexadecimal (`secret_of` makes it), None for an unknown user.

        A store that has to ask elsewhere returns `Pending` with an id that no other question of it has, and answers by
        `Authenticator.resolved`.
        """
        ...


class PasswordStore:
    """Users and passwords in a mapping: for tests and small installations."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = dict(passwords)

    def __repr__(self) -> str:
        return f"PasswordStore({len(self._passwords)} users)"

    def secret(self, username: str, realm: str, algorithm: str) -> str | None:
        """Return the secret of a user for that realm and algorithm."""
        password = self._passwords.get(username)
        return None if password is None else secret_of(algorithm, username, realm, password)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class DigestConfig:
    """How a server challenges."""

    realm: str
    #: Best first (RFC 8760 section 2.3). MD5 alone, because phones in use give up on an answer that names any other
    #: (baresip 1.0 wherever it stands, sipp 3.6 when it comes first). Put SHA-256 before it where all clients know it.
    algorithms: tuple[str, ...] = ("MD5",)
    qop: tuple[str, ...] = ("auth",)  #: "auth-int" breaks behind anything that edits bodies, so not by default
    nonce_lifetime: float = 300.0  #: seconds; afterwards the client is told that the nonce is stale
    max_nonces: int = 10_000  #: nonces whose counts are kept, about 400 bytes each
    max_nonces_per_user: int = 100  #: of them; each phone needs one, and each call of a client that always asks anew
    check_uri: bool = True  #: credentials must be for the Request-URI, so that stolen ones buy no other target
    proxy: bool = False  #: challenge with 407 and Proxy-Authenticate


class Outcome(enum.Enum):
    """What came of looking at credentials."""

    ACCEPTED = "accepted"
    MISSING = "missing"  #: none for our realm: challenge
    #: A nonce that is old, used, not ours or given to somebody else: challenge with stale=true.
    STALE = "stale"
    WRONG = "wrong"  #: unknown user or wrong password: challenge
    MALFORMED = "malformed"  #: answer 400 (RFC 7616 section 3.4.6)
    PENDING = "pending"  #: the store answers later: `DigestServer.verify` then gets the secret


@attrs.frozen(kw_only=True)
class Verdict:
    """Outcome, what is waited for when it is PENDING; the user when it is ACCEPTED, or WRONG because of a password."""

    outcome: Outcome
    username: str | None = None
    pending: Pending | None = None
    _count: tuple[bytes, int, int] | None = None  # nonce, when it was made, and count of ACCEPTED credentials


#: A secret that nobody has brought: the store is to be asked.
_ASK: Final = Pending("")


class DigestServer:
    """Challenges, and checks credentials.

    ``key`` is secret and shared by the processes that serve one realm. ``wall_clock`` is the POSIX time at
    ``now == 0``: nonces carry wall-clock time, because processes do not share a monotonic clock. What was given out
    before this process looked at anything is stale, whoever gave it: somebody may have used it, and may again.
    """

    def __init__(
        self, config: DigestConfig, store: CredentialStore, *, key: bytes, entropy: Entropy, wall_clock: float = 0.0
    ) -> None:
        self.config = config
        self._store = store
        self._key = key
        self._entropy = entropy
        self._wall_clock = wall_clock
        #: Milliseconds: the counts of nonces that are older are known to nobody, because an earlier process had them.
        self._began: int | None = None
        self._counts = NonceCounts(limit=config.max_nonces, per_user=config.max_nonces_per_user)
        # What stands for the secret of a user whom nobody knows: he costs as much as one with a wrong password.
        self._nobodys = {
            base_algorithm(name): secret_of(name, "nobody", config.realm, entropy.child("nobody").token(16))
            for name in config.algorithms
        }

    @property
    def status(self) -> int:
        """The status of a challenge: 401, or 407 for a proxy."""
        return 407 if self.config.proxy else 401

    def challenges(
        self, *, now: float, stale: bool = False, proxy: bool | None = None, source: str = ""
    ) -> tuple[tuple[str, str], ...]:
        """Headers of a challenge, one for each algorithm, best first (RFC 8760 section 2.3).

        ``proxy`` says in whose name, for a server that is both; None is what the configuration says. ``source`` is
        where it is sent to, for `verify`.
        """
        as_proxy = self.config.proxy if proxy is None else proxy
        name = "Proxy-Authenticate" if as_proxy else "WWW-Authenticate"
        nonce = self._new_nonce(now, source)
        return tuple((name, str(self._challenge(algorithm, nonce, stale))) for algorithm in self.config.algorithms)

    def verify(
        self,
        request: Request,
        *,
        now: float,
        proxy: bool | None = None,
        leads_here: Callable[[Uri], bool] = lambda uri: False,
        secret: str | Pending | None = _ASK,
        source: str | None = None,
        use_count: bool = True,
    ) -> Verdict:
        """Look at the credentials of a request for our realm.

        They stand in the header that belongs to ``proxy``, or else in the other one: servers and proxies of one realm
        take what either asked for. ``leads_here`` says which URIs they may be for beside that of the request: other
        names of the place that it came to. ``secret`` is what the store has found since, where the first look was
        PENDING. With a ``source`` the nonce must have been given to it: for those who may have forged it. A count of a
        nonce is used up by the look that accepts it: look once at each request, or leave the count with ``use_count``
        and call `use` when it is to be good.
        """
        credentials = self._own_credentials(request, self.config.proxy if proxy is None else proxy)
        if credentials is None:
            return Verdict(outcome=Outcome.MISSING)
        try:
            verdict = self._verify(credentials, request, now, secret, leads_here, source)
        except (KeyError, ValueError):
            return Verdict(outcome=Outcome.MALFORMED)
        if use_count:
            self.use(verdict)
        return verdict

    def recognises(self, request: Request, source: str) -> bool:
        """Whether a request shows a nonce that was given to its source, however old, used or wrong its credentials."""
        credentials = self._own_credentials(request, self.config.proxy)
        return credentials is not None and self._read_nonce(credentials.params.get("nonce") or "", source) is not None

    def use(self, verdict: Verdict) -> None:
        """Use up the count of the nonce of a verdict that ``verify`` has left; other verdicts have none."""
        if verdict._count is not None and verdict.username is not None:
            nonce, made, count = verdict._count
            self._counts.use(verdict.username, nonce, count, made=made)

    def _challenge(self, algorithm: str, nonce: str, stale: bool) -> Challenge:
        qop = ",".join(self.config.qop)
        params = {"realm": quote(self.config.realm), "nonce": quote(nonce), "algorithm": algorithm, "qop": quote(qop)}
        if stale:
            params["stale"] = "true"
        return Challenge("Digest", AuthParams(params))

    def _own_credentials(self, request: Request, proxy: bool) -> Authorization | None:
        names = ("Proxy-Authorization", "Authorization") if proxy else ("Authorization", "Proxy-Authorization")
        lines = [line for name in names for line in request.headers.get_all(name)]
        for each in [each for line in lines for each in split_auth(line)]:
            try:
                parsed = Authorization.parse(each)
            except RemoteProtocolError:
                continue  # Credentials for another realm may stand beside it.
            if parsed.scheme.lower() == "digest" and parsed.realm == self.config.realm:
                return parsed
        return None

    def _verify(
        self,
        credentials: Authorization,
        request: Request,
        now: float,
        secret: str | Pending | None,
        leads_here: Callable[[Uri], bool],
        source: str | None,
    ) -> Verdict:
        """Raises KeyError or ValueError when something is missing or makes no sense."""
        given = credentials.params
        algorithm = given.get("algorithm") or "MD5"
        # Clients of RFC 2069 send none (RFC 7616 section 3.4.3); an empty one says the same.
        qop = given.get("qop", "").strip().lower() or None
        if algorithm.lower() not in {a.lower() for a in self.config.algorithms} or (
            (qop or "auth") not in self.config.qop
        ):
            return Verdict(outcome=Outcome.WRONG)  # What we did not offer may not be answered (a downgrade).
        if self.config.check_uri and not _same_uri(given["uri"], request, leads_here):
            return Verdict(outcome=Outcome.MALFORMED)
        # Without a count a nonce serves once: the next request is told that it is stale, and nothing can be replayed.
        username, count = given["username"], 1 if qop is None else _count(given["nc"])
        cnonce = given["cnonce"] if qop is not None or algorithm.lower().endswith("-sess") else ""
        response = given["response"]
        # Before the store has any work of it, and before anything is called wrong: what nobody was asked for.
        nonce = self._fresh(given["nonce"], source, now)
        if nonce is None or not self._counts.is_unused(username, nonce[0], count, made=nonce[1]):
            return Verdict(outcome=Outcome.STALE)
        if secret is _ASK:
            secret = self._store.secret(username, self.config.realm, algorithm)
        if isinstance(secret, Pending):
            return Verdict(outcome=Outcome.PENDING, pending=secret)
        expected = digest_response(
            secret or self._nobodys[base_algorithm(algorithm)],
            algorithm=algorithm,
            method=request.method,
            uri=given["uri"],
            nonce=given["nonce"],
            nc=given["nc"] if qop is not None else "",
            cnonce=cnonce,
            qop=qop,
            body=request.body,
        )
        if not same_digest(expected, response) or secret is None:
            return Verdict(outcome=Outcome.WRONG, username=username)
        return Verdict(outcome=Outcome.ACCEPTED, username=username, count=(*nonce, count))

    # Nonces ----------------------------------------------------------------------------------------------------------

    def _milliseconds(self, now: float) -> int:
        at = max(0, int((self._wall_clock + now) * 1000))
        if self._began is None:
            self._began = at
        return at

    def _new_nonce(self, now: float, source: str) -> str:
        at, mark, chance = self._milliseconds(now), self._mark(source), bytes.fromhex(self._entropy.token(4))
        return base64.b64encode(_NONCE.pack(at, mark, chance, self._seal(at, mark, chance))).decode()

    def _mark(self, source: str) -> bytes:
        """What stands for a source in its nonces; who sends in its name and does not get them guesses it in vain."""
        return hmac.digest(self._key, b"source " + source.encode(), "sha256")[:4]

    def _seal(self, at: int, mark: bytes, chance: bytes) -> bytes:
        return hmac.digest(self._key, b"%d:%s%s:%s" % (at, mark, chance, self.config.realm.encode()), "sha256")[:16]

    def _fresh(self, nonce: str, source: str | None, now: float) -> tuple[bytes, int] | None:
        """A nonce that we gave out lately, to that source if it matters, and when, in milliseconds; else None."""
        milliseconds, found = self._milliseconds(now), self._read_nonce(nonce, source)
        if found is None or self._began is None or found[1] < self._began:
            return None
        return found if -1000 <= milliseconds - found[1] <= self.config.nonce_lifetime * 1000 else None

    def _read_nonce(self, nonce: str, source: str | None) -> tuple[bytes, int] | None:
        """The same of one that we gave out at any time."""
        try:
            raw = base64.b64decode(nonce, validate=True)
            at, mark, chance, seal = _NONCE.unpack(raw)
        except (ValueError, struct.error):
            return None
        if not hmac.compare_digest(seal, self._seal(at, mark, chance)):
            return None
        if source is not None and not hmac.compare_digest(mark, self._mark(source)):
            return None
        return raw, at


def _count(text: str) -> int:
    """A nonce count. Raises ValueError for what is none, however large."""
    if _COUNT.fullmatch(text) is None:
        raise ValueError(f"no nonce count: {text[:20]!r}")
    return int(text, 16)


def _same_uri(digest_uri: str, request: Request, leads_here: Callable[[Uri], bool]) -> bool:
    """Whether the credentials are for this Request-URI (RFC 7616 section 3.4.6), or another that leads to us.

    Clients leave out parameters and port, or put in those of the way to us, and proxies change both; neither makes it
    another target. Some write brackets around it.
    """
    wanted = request.uri
    if digest_uri == str(wanted):
        return True
    try:
        given = Uri.parse(digest_uri.strip(" \t<>"))
    except RemoteProtocolError:
        return False
    if given.opaque_part is not None or wanted.opaque_part is not None:
        return given.equivalent(wanted)
    same = (given.scheme, given.user, given.host) == (wanted.scheme, wanted.user, wanted.host)
    return same or leads_here(given)
