"""Digest parameters that somebody chose, with a right answer or without: what they cost, and what they may do."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Challenge, DigestConfig, DigestServer, PasswordStore, Request, SeededEntropy, digest_secret
from sip.authentication.digest import digest_response
from sip.authentication.digest_server import Outcome
from sip.syntax.grammar import quote

REALM = "example.com"
PASSWORDS = {"bob": "zanzibar", "eve": "secret"}


class Counted(PasswordStore):
    """Passwords, and how often one was asked for."""

    asked = 0

    def secret(self, username: str, realm: str, algorithm: str) -> str | None:
        self.asked += 1
        return super().secret(username, realm, algorithm)


def server(store: PasswordStore | None = None, *, key: bytes = b"key", **settings: object) -> DigestServer:
    config = DigestConfig(realm=REALM, **settings)  # type: ignore[arg-type]
    return DigestServer(config, store or PasswordStore(PASSWORDS), key=key, entropy=SeededEntropy(b"s"))


def nonce_of(there: DigestServer, now: float = 0.0) -> str:
    ((_, value),) = there.challenges(now=now)
    return Challenge.parse(value).params["nonce"]


def proven(nonce: str, nc: str = "00000001", *, user: str = "bob", cnonce: str = "c", password: str = "") -> Request:
    """A request with a right answer, whatever its parameters are."""
    secret = digest_secret("MD5", user, REALM, password or PASSWORDS.get(user, "?"))
    uri = "sip:example.com"
    answer = digest_response(
        secret, algorithm="MD5", method="REGISTER", uri=uri, nonce=nonce, nc=nc, cnonce=cnonce, qop="auth"
    )
    given = {"username": user, "realm": REALM, "nonce": nonce, "uri": uri, "response": answer, "cnonce": cnonce}
    params = [f"{name}={quote(each)}" for name, each in given.items()]
    return Request.build(
        "REGISTER",
        uri,
        [
            ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
            ("From", "<sip:bob@example.com>;tag=1"),
            ("To", "<sip:bob@example.com>"),
            ("Call-ID", "one"),
            ("CSeq", "1 REGISTER"),
            ("Authorization", f"Digest {', '.join(params)}, qop=auth, nc={quote(nc)}"),
        ],
    )


def test_a_count_that_is_far_ahead_costs_nothing_when_a_low_one_follows() -> None:
    there = server()
    nonce = nonce_of(there)
    first, second = proven(nonce, "ffffffff"), proven(nonce, "00000002")
    assert there.verify(first, now=0.0).outcome is Outcome.ACCEPTED
    tracemalloc.start()
    try:
        assert there.verify(second, now=0.0).outcome is Outcome.STALE
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "nc", ["f" * 40, "1", "0x000001", "-0000001", "+0000001", "0000_001", "000000001", "", "é" * 8]
)
def test_a_count_is_eight_hexadecimal_digits(nc: str) -> None:
    there = server()
    assert there.verify(proven(nonce_of(there), nc), now=0.0).outcome is Outcome.MALFORMED


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
HEX = st.text("0123456789abcdefABCDEF", min_size=6, max_size=10)
COUNTS = st.one_of(st.integers(0, 2**32 - 1).map("{:08x}".format), HEX, TEXT)


@given(st.lists(st.tuples(COUNTS, TEXT), max_size=12))
def test_whatever_parameters_have_a_right_answer_each_count_is_accepted_once(tried: list[tuple[str, str]]) -> None:
    there = server()
    nonce, accepted = nonce_of(there), set[int]()
    for nc, cnonce in tried:
        outcome = there.verify(proven(nonce, nc, cnonce=cnonce), now=0.0).outcome
        if outcome is Outcome.ACCEPTED:
            assert len(nc) == 8
            assert int(nc, 16) not in accepted
            accepted.add(int(nc, 16))
        else:
            assert outcome in (Outcome.STALE, Outcome.MALFORMED)


def test_nothing_is_looked_up_for_a_nonce_that_is_old_or_not_ours() -> None:
    store = Counted(PASSWORDS)
    there = server(store, nonce_lifetime=60.0)
    for nonce in ("invented", "", "é", nonce_of(server(key=b"another")), nonce_of(there, now=0.0)):
        for password in ("", "guess"):
            assert there.verify(proven(nonce, password=password), now=61.0).outcome is Outcome.STALE
    assert store.asked == 0
    assert there.verify(proven(nonce_of(there, now=61.0)), now=61.0).outcome is Outcome.ACCEPTED


def test_a_user_who_uses_many_nonces_has_nobody_elses_forgotten() -> None:
    there = server(max_nonces=50, max_nonces_per_user=10)
    old, unused = nonce_of(there), nonce_of(there)
    assert there.verify(proven(old), now=0.0).outcome is Outcome.ACCEPTED
    eves = [nonce_of(there, now=1.0 + number) for number in range(100)]
    for nonce in eves:
        assert there.verify(proven(nonce, user="eve"), now=101.0).outcome is Outcome.ACCEPTED
    assert there.verify(proven(old, "00000002"), now=101.0).outcome is Outcome.ACCEPTED
    assert there.verify(proven(unused), now=101.0).outcome is Outcome.ACCEPTED


@given(st.lists(st.tuples(st.sampled_from(["bob", "eve"]), st.integers(0, 7), st.integers(1, 3)), max_size=60))
def test_no_count_is_accepted_twice_whatever_is_forgotten(used: list[tuple[str, int, int]]) -> None:
    there = server(max_nonces=3, max_nonces_per_user=2)
    nonces = [nonce_of(there, now=float(number)) for number in range(8)]
    accepted = set[tuple[str, int, int]]()
    for one in used:
        user, number, count = one
        if there.verify(proven(nonces[number], f"{count:08x}", user=user), now=8.0).outcome is Outcome.ACCEPTED:
            assert one not in accepted
            accepted.add(one)
