"""Who sent a request: credentials, certificates and trusted peers, as all cores of a server ask."""

from __future__ import annotations

import re
from unittest.mock import patch

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Address,
    Authenticator,
    AuthenticatorConfig,
    Challenged,
    Credentials,
    CredentialStore,
    DigestClient,
    DigestConfig,
    Flow,
    Identification,
    Identified,
    LocalProtocolError,
    PasswordStore,
    Pending,
    Proof,
    Refused,
    Request,
    SeededEntropy,
    Uri,
    digest_secret,
    parse_message,
)
from sip.authentication import digest_server

HERE = Address("192.0.2.10", 5060)
STRANGER = Flow(1, "UDP", HERE, Address("198.51.100.7", 5060))
INSIDE = Flow(2, "UDP", HERE, Address("10.1.2.3", 5060))
PASSWORDS = {"bob": "zanzibar", "eve": "secret", "ann@partner.example": "geheim", "part:mcu-1": "long"}
BOB, BOSS = "<sip:bob@example.com>", "<sip:boss@example.com>"
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


def authenticator(store: CredentialStore | None = None, *, passwords: bool = True, **more: object) -> Authenticator:
    config = AuthenticatorConfig(**{"domains": ("example.com", "192.0.2.99"), **more})  # type: ignore[arg-type]
    known = store if store is not None else PasswordStore(PASSWORDS) if passwords else None
    return Authenticator(config, known, key=b"key", entropy=SeededEntropy(b"a"), wall_clock=1_000_000.0)


def request(from_: str = BOB, *, method: str = "MESSAGE", headers: tuple[tuple[str, str], ...] = ()) -> Request:
    made = Request.build(
        method,
        "sip:carol@example.com",
        [
            ("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1"),
            ("Max-Forwards", "70"),
            ("From", f"{from_};tag=1"),
            ("To", "<sip:carol@example.com>"),
            ("Call-ID", "one"),
            ("CSeq", f"1 {method}"),
            *headers,
        ],
    )
    read = parse_message(bytes(made))
    assert isinstance(read, Request)
    return read


def with_password(
    there: Authenticator,
    username: str = "bob",
    password: str | None = None,
    *,
    from_: str = BOB,
    headers: tuple[tuple[str, str], ...] = (),
    flow: Flow = STRANGER,
    now: float = 0.0,
    proxy: bool = False,
) -> Request:
    """What a client sends once it was asked."""
    first = request(from_, headers=headers)
    asked = there.identify(first, flow, now=now, proxy=proxy)
    assert isinstance(asked, Challenged), asked
    known = Credentials(username, PASSWORDS[username] if password is None else password)
    client = DigestClient(lambda realm: known, entropy=SeededEntropy(username.encode()))
    return request(
        from_, headers=(*headers, *client.answer(first.response(asked.status, headers=asked.headers), first))
    )


def identified(found: Identification) -> tuple[str, Proof, bool]:
    assert isinstance(found, Identified), found
    return found.user.text, found.proof, found.anonymous


def refused(found: Identification) -> int:
    assert isinstance(found, Refused), found
    return found.status


# Credentials


@pytest.mark.parametrize(("proxy", "status", "header"), [(False, 401, "WWW-"), (True, 407, "Proxy-")])
def test_a_stranger_is_asked_for_a_password_and_is_somebody_with_it(proxy: bool, status: int, header: str) -> None:
    there = authenticator()
    asked = there.identify(request(), STRANGER, now=0.0, proxy=proxy)
    assert isinstance(asked, Challenged)
    assert (asked.status, [name for name, _ in asked.headers]) == (status, [f"{header}Authenticate"])
    answered = with_password(there, proxy=proxy)
    assert identified(there.identify(answered, STRANGER, now=0.0, proxy=proxy)) == (
        "sip:bob@example.com",
        Proof.DIGEST,
        False,
    )


def test_what_the_proxy_asked_for_is_good_at_the_focus_too_and_the_other_way_round() -> None:
    there = authenticator()
    for asked_as, shown_as in ((True, False), (False, True)):
        answered = with_password(there, proxy=asked_as)
        assert isinstance(there.identify(answered, STRANGER, now=0.0, proxy=shown_as), Identified)


def test_every_algorithm_that_is_offered_will_do() -> None:
    for algorithms in (("MD5",), ("SHA-256",), ("SHA-256", "MD5"), ("MD5", "SHA-256")):
        there = authenticator(digest=DigestConfig(realm="example.com", algorithms=algorithms))
        assert isinstance(there.identify(with_password(there), STRANGER, now=0.0), Identified)


@pytest.mark.parametrize(
    "spoofed",
    [
        BOSS,
        '"Boss" <sip:boss@example.com>',
        "<sip:bob@elsewhere.example>",
        "<sip:bob@198.51.100.7>",
        "<sip:example.com>",
        "<tel:+15550100>",
        "<sip:bob%40example.com@elsewhere.example>",
        "<sip:%62oss@example.com>",
        "<sip:bobby@example.com>",
    ],
)
def test_the_from_of_somebody_else_is_refused_with_ones_own_password(spoofed: str) -> None:
    there = authenticator()
    assert refused(there.identify(with_password(there, from_=spoofed), STRANGER, now=0.0)) == 403


@pytest.mark.parametrize("own", ["<sip:bob@EXAMPLE.com>", "<sips:BOB@192.0.2.99>", "<sip:b%6fb@192.0.2.10;x=y>"])
def test_the_domain_has_several_names_and_a_user_several_spellings(own: str) -> None:
    there = authenticator()
    uri = own.strip("<>")
    found = there.identify(with_password(there, from_=own), STRANGER, now=0.0)
    assert isinstance(found, Identified)
    assert found.user.is_named_by(uri)


def test_a_user_of_another_domain_is_named_with_it() -> None:
    there = authenticator()
    for from_, good in (("<sip:ann@partner.example>", True), ("<sip:ann@example.com>", False)):
        found = there.identify(with_password(there, "ann@partner.example", from_=from_), STRANGER, now=0.0)
        assert isinstance(found, Identified) is good


def test_a_preferred_identity_must_be_ones_own_too() -> None:
    there = authenticator()
    for preferred, from_, expected in (
        (BOSS, BOB, None),
        (BOB, BOSS, None),
        (BOSS, ANONYMOUS, None),
        ("nonsense", BOB, None),
        ("<sip:bob@192.0.2.99>", BOB, "sip:bob@192.0.2.99"),
        (BOB, ANONYMOUS, "sip:bob@example.com"),
    ):
        headers = (("P-Preferred-Identity", preferred),)
        first = there.identify(request(from_, headers=headers), STRANGER, now=0.0)
        if isinstance(first, Refused):
            assert (first.status, expected) == (400, None)
            continue
        found = there.identify(with_password(there, from_=from_, headers=headers), STRANGER, now=0.0)
        assert (found.user.text if isinstance(found, Identified) else None) == expected


def test_who_does_not_want_to_be_named_passes_with_a_proven_identity() -> None:
    there = authenticator()
    found = there.identify(with_password(there, from_=ANONYMOUS), STRANGER, now=0.0)
    assert identified(found) == ("sip:bob@example.com", Proof.DIGEST, True)
    with_header = with_password(there, headers=(("Privacy", "id"),))
    assert identified(there.identify(with_header, STRANGER, now=0.0))[2]


def test_a_replayed_nonce_is_stale_and_so_is_an_old_one() -> None:
    there = authenticator()
    answered = with_password(there)
    assert isinstance(there.identify(answered, STRANGER, now=0.0), Identified)
    for late, again in ((0.0, answered), (301.0, with_password(there))):
        asked = there.identify(again, STRANGER, now=late)
        assert isinstance(asked, Challenged)
        assert "stale=true" in asked.headers[0][1]


def test_processes_that_share_the_key_take_each_others_nonces() -> None:
    answered = with_password(authenticator())
    assert isinstance(authenticator().identify(answered, STRANGER, now=0.0), Identified)


def test_nobody_is_asked_for_a_password_that_he_cannot_have() -> None:
    there = authenticator(trusted_users=("part:mcu-1",), users_have_passwords=False)
    inside = attrs.evolve(STRANGER, remote=attrs.evolve(STRANGER.remote, host=STRANGER.local.host))
    for flow, proxy, status in (
        (STRANGER, True, 403),
        (STRANGER, False, 403),
        (inside, False, 403),
        (inside, True, 407),
    ):
        found = there.identify(request(), flow, now=0.0, proxy=proxy)
        assert isinstance(found, Refused | Challenged)
        assert found.status == status


def answer_of(there: Authenticator, username: str, password: str) -> str:
    found = there.identify(with_password(there, username, password), STRANGER, now=0.0)
    assert isinstance(found, Challenged)
    return re.sub(r'nonce="[^"]*"', "nonce", repr(found))


def test_users_who_are_known_and_users_who_are_not_get_the_same_answers() -> None:
    there = authenticator()
    assert (
        answer_of(there, "bob", "guess") == answer_of(there, "nobody", "guess") == answer_of(there, "x@y.example", "")
    )


class Secrets:
    """A store that keeps what servers keep."""

    def __init__(self, *algorithms: str) -> None:
        self._known = {each: digest_secret(each, "bob", "example.com", "zanzibar") for each in algorithms}

    def secret(self, username: str, realm: str, algorithm: str) -> str | None:
        return self._known.get(algorithm) if username == "bob" else None


def test_users_who_are_known_and_users_who_are_not_cost_the_same_work() -> None:
    there = authenticator(Secrets("MD5"))
    work = []
    for username in ("bob", "nobody"):
        answered = with_password(there, username, "guess")
        with (
            patch.object(digest_server, "digest_response", wraps=digest_server.digest_response) as hashed,
            patch.object(digest_server, "secret_of", wraps=digest_server.secret_of) as derived,
            patch.object(digest_server, "same_digest", wraps=digest_server.same_digest) as compared,
        ):
            there.identify(answered, STRANGER, now=0.0)
        work.append((hashed.call_count, derived.call_count, compared.call_count))
    assert work[0] == work[1]


def test_a_user_without_a_secret_for_an_algorithm_is_an_unknown_one() -> None:
    digest = DigestConfig(realm="example.com", algorithms=("SHA-256", "MD5"))
    there = authenticator(Secrets("MD5"), digest=digest)
    assert isinstance(there.identify(with_password(there), STRANGER, now=0.0), Challenged)


def test_ack_and_cancel_are_never_challenged() -> None:
    there = authenticator()
    for method in ("ACK", "CANCEL"):
        assert refused(there.identify(request(method=method), STRANGER, now=0.0)) == 403


def test_without_users_strangers_are_refused_and_not_asked() -> None:
    there = authenticator(passwords=False)
    assert there.realm is None
    assert refused(there.identify(request(), STRANGER, now=0.0)) == 403


def test_credentials_that_make_no_sense_are_a_bad_request() -> None:
    bad = ("Authorization", 'Digest realm="example.com", username="bob", qop=auth, uri="sip:elsewhere"')
    assert refused(authenticator().identify(request(headers=(bad,)), STRANGER, now=0.0)) == 400


# Trusted peers


@pytest.mark.parametrize(
    ("headers", "user", "anonymous"),
    [
        ((), "sip:bob@example.com", False),
        ((("P-Asserted-Identity", BOSS),), "sip:boss@example.com", False),
        ((("P-Asserted-Identity", f"<tel:+15550100>, {BOSS}"),), "sip:boss@example.com", False),
        ((("P-Asserted-Identity", "<tel:+15550100>"),), "tel:+15550100", False),
        ((("P-Asserted-Identity", BOSS), ("Privacy", "id;critical")), "sip:boss@example.com", True),
        ((("P-Asserted-Identity", BOSS), ("Privacy", ";;")), "sip:boss@example.com", True),
        ((("Privacy", "none"),), "sip:bob@example.com", False),
    ],
)
def test_a_trusted_peer_says_who_somebody_is(headers: tuple[tuple[str, str], ...], user: str, anonymous: bool) -> None:
    there = authenticator(trusted_networks=("10.0.0.0/8",))
    found = there.identify(request(headers=headers), INSIDE, now=0.0)
    assert identified(found) == (user, Proof.TRUSTED_PEER, anonymous)


def test_a_stranger_who_asserts_an_identity_is_asked_like_everybody_else() -> None:
    there = authenticator(trusted_networks=("10.0.0.0/8",))
    asserted = (("P-Asserted-Identity", BOSS),)
    assert isinstance(there.identify(request(headers=asserted), STRANGER, now=0.0), Challenged)
    found = there.identify(with_password(there, headers=asserted), STRANGER, now=0.0)
    assert identified(found)[:2] == ("sip:bob@example.com", Proof.DIGEST)


def test_an_assertion_that_nobody_can_read_is_refused() -> None:
    there = authenticator(trusted_networks=("10.0.0.0/8",))
    read = request(headers=(("P-Asserted-Identity", "boss"),))
    assert refused(there.identify(read, INSIDE, now=0.0)) == 400
    read.ignore_unreadable()
    assert refused(there.identify(read, INSIDE, now=0.0)) == 400


def tls(*names: str, users: tuple[str, ...] = ()) -> Flow:
    return Flow(3, "TLS", HERE, Address("198.51.100.7", 40_000), names, users)


def test_peers_are_trusted_by_the_name_that_they_proved() -> None:
    there = authenticator(trusted_peers=("Edge.example.com",))
    asserted = request(headers=(("P-Asserted-Identity", BOSS),))
    assert identified(there.identify(asserted, tls("edge.example.com"), now=0.0))[0] == "sip:boss@example.com"
    for others in (tls("edge.example.org"), tls("x.edge.example.com"), tls(), STRANGER):
        assert isinstance(there.identify(asserted, others, now=0.0), Challenged)


def test_ipv4_peers_of_an_ipv6_socket_are_known_by_their_ipv4_address() -> None:
    there = authenticator(trusted_networks=("10.0.0.0/8", "2001:db8::/32"))
    for host, trusted in (("::ffff:10.1.2.3", True), ("2001:db8::1", True), ("::10.1.2.3", False), ("phone", False)):
        assert there.trusts(Flow(9, "UDP", HERE, Address(host, 5060))) is trusted


def test_what_is_no_network_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(LocalProtocolError, match="not a network"):
        authenticator(trusted_networks=("10.0.0.1/8",))


def test_a_part_with_a_password_of_its_own_speaks_for_others() -> None:
    there = authenticator(trusted_users=("part:mcu-1",), trusted_user_networks=("10.0.0.0/8",))
    conference = "<sip:bob@example.com;gruu;opaque=app:conf:audio-video:id:1>"
    shown = with_password(there, "part:mcu-1", from_=conference, flow=INSIDE, proxy=True)
    assert identified(there.identify(shown, INSIDE, now=0.0, proxy=True))[1] is Proof.TRUSTED_PEER
    boss = (("P-Asserted-Identity", BOSS),)
    asserted = with_password(there, "part:mcu-1", from_=conference, headers=boss, flow=INSIDE, proxy=True)
    assert identified(there.identify(asserted, INSIDE, now=0.0, proxy=True))[0] == "sip:boss@example.com"
    wrong = with_password(there, "part:mcu-1", "guess", from_=conference, flow=INSIDE, proxy=True)
    assert isinstance(there.identify(wrong, INSIDE, now=0.0, proxy=True), Challenged)


@pytest.mark.parametrize(("host", "proxy"), [("203.0.113.9", True), ("203.0.113.9", False), ("10.0.0.7", False)])
def test_the_password_of_a_part_is_worth_nothing_elsewhere(host: str, proxy: bool) -> None:
    there = authenticator(trusted_users=("part:mcu-1",), trusted_user_networks=("10.0.0.0/8",))
    shown = with_password(there, "part:mcu-1", from_=BOB, headers=(("P-Asserted-Identity", BOSS),), proxy=proxy)
    flow = Flow(9, "TCP", HERE, Address(host, 40_000))
    assert refused(there.identify(shown, flow, now=0.0, proxy=proxy)) == 403


# Certificates


@pytest.mark.parametrize("domains", [(), ("example.com",)])
def test_whom_another_domain_vouches_for_is_no_user_of_ours(domains: tuple[str, ...]) -> None:
    there = authenticator(domains=domains, certificate_domains=("partner.example",))
    found = there.identify(request("<sip:ann@partner.example>"), tls("partner.example"), now=0.0)
    assert isinstance(found, Identified)
    assert not there.is_ours(found, tls("partner.example"))


def test_a_domain_vouches_for_its_users_where_it_is_believed() -> None:
    there = authenticator(certificate_domains=("partner.example",))
    for from_, flow, good in (
        ("<sip:ann@partner.example>", tls("partner.example"), True),
        ("<sip:ann@partner.example>", tls("other.example", "partner.example"), True),
        (BOB, tls("partner.example"), False),
        ("<sip:ann@sub.partner.example>", tls("partner.example"), False),
        ("<sip:ann@partner.example>", tls("other.example"), False),
        ("<sip:ann@partner.example>", STRANGER, False),
        ("<tel:+15550100;phone-context=partner.example>", tls("partner.example"), False),
    ):
        found = there.identify(request(from_), flow, now=0.0)
        assert isinstance(found, Identified) is good
        assert not isinstance(found, Identified) or found.proof is Proof.CERTIFICATE
    unasked = authenticator().identify(request("<sip:ann@partner.example>"), tls("partner.example"), now=0.0)
    assert isinstance(unasked, Challenged)


def test_a_preferred_identity_is_vouched_for_like_from() -> None:
    there = authenticator(certificate_domains=("partner.example",))
    for preferred, good in (("<sip:kim@partner.example>", True), (BOSS, False)):
        claim = request("<sip:ann@partner.example>", headers=(("P-Preferred-Identity", preferred),))
        assert isinstance(there.identify(claim, tls("partner.example"), now=0.0), Identified) is good


def test_a_certificate_of_a_user_needs_a_setting() -> None:
    flow = tls(users=("sip:bob@example.com",))
    for allowed in (True, False):
        there = authenticator(user_certificates=allowed)
        assert isinstance(there.identify(request(BOB), flow, now=0.0), Identified) is allowed
        assert not isinstance(there.identify(request(BOSS), flow, now=0.0), Identified)


# Answers that come later


class Slow:
    """A store that has to ask elsewhere."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def secret(self, username: str, realm: str, algorithm: str) -> Pending:
        self.asked.append((username, realm, algorithm))
        return Pending(f"question {len(self.asked)}")


def test_a_store_may_answer_later() -> None:
    store = Slow()
    there = authenticator(store)
    assert there.identify(with_password(there), STRANGER, now=0.0) == Pending("question 1")
    assert store.asked == [("bob", "example.com", "MD5")]
    found = there.resolved("question 1", digest_secret("MD5", "bob", "example.com", "zanzibar"), now=1.0)
    assert identified(found)[0] == "sip:bob@example.com"


def test_a_later_answer_for_a_wrong_password_or_an_unknown_user_is_a_challenge() -> None:
    there = authenticator(Slow())
    for number, secret in enumerate((digest_secret("MD5", "bob", "example.com", "other"), None), 1):
        there.identify(with_password(there, proxy=True), STRANGER, now=0.0, proxy=True)
        found = there.resolved(f"question {number}", secret, now=1.0)
        assert isinstance(found, Challenged)
        assert found.status == 407


def test_an_answer_that_nobody_waits_for_is_a_mistake_of_the_caller() -> None:
    there = authenticator(Slow())
    with pytest.raises(LocalProtocolError, match="nothing waits"):
        there.resolved("question 1", None, now=0.0)
    there.identify(with_password(there), STRANGER, now=0.0)
    there.resolved("question 1", None, now=0.0)
    with pytest.raises(LocalProtocolError, match="nothing waits"):
        there.resolved("question 1", None, now=0.0)


def test_a_store_that_gives_two_questions_one_id_is_a_mistake_of_the_caller() -> None:
    class Confused:
        def secret(self, username: str, realm: str, algorithm: str) -> Pending:
            return Pending("the same")

    there = authenticator(Confused())
    there.identify(with_password(there), STRANGER, now=0.0)
    with pytest.raises(LocalProtocolError, match="has the id"):
        there.identify(with_password(there), STRANGER, now=0.0)


def test_a_store_that_never_answers_fills_nothing() -> None:
    there = authenticator(Slow(), max_pending=3)
    made = [with_password(there) for _ in range(4)]
    found = [there.identify(each, STRANGER, now=0.0) for each in made]
    assert [type(each) for each in found] == [Pending] * 3 + [Refused]
    assert refused(found[3]) == 503
    assert there.identify(with_password(there, now=31.0), STRANGER, now=31.0) == Pending("question 5")


def test_what_one_source_asks_leaves_room_for_the_questions_of_others() -> None:
    there = authenticator(Slow(), max_pending=10, max_pending_per_source=2)
    elsewhere = Flow(9, "UDP", HERE, Address("198.51.100.8", 5060))
    made = [with_password(there) for _ in range(3)]
    assert [type(there.identify(each, STRANGER, now=0.0)) for each in made] == [Pending, Pending, Refused]
    assert isinstance(there.identify(with_password(there, flow=elsewhere), elsewhere, now=0.0), Pending)
    there.resolved("question 1", None, now=0.0)
    assert isinstance(there.identify(with_password(there), STRANGER, now=0.0), Pending)
    assert refused(there.identify(with_password(there), STRANGER, now=0.0)) == 503
    for _ in range(2):
        assert isinstance(there.identify(with_password(there, now=31.0), STRANGER, now=31.0), Pending)


# In general

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=':@"\\'), min_size=1, max_size=12)


@given(username=NAMES, claimed=NAMES)
def test_nobody_is_identified_as_somebody_else(username: str, claimed: str) -> None:
    there = authenticator(PasswordStore({username: "x"}))
    first = request(f"<{Uri('sip', 'example.com', claimed)}>")
    asked = there.identify(first, STRANGER, now=0.0)
    assert isinstance(asked, Challenged)
    client = DigestClient(lambda realm: Credentials(username, "x"), entropy=SeededEntropy(b"c"))
    headers = client.answer(first.response(401, headers=asked.headers), first)
    found = there.identify(request(f"<{Uri('sip', 'example.com', claimed)}>", headers=headers), STRANGER, now=0.0)
    assert isinstance(found, Identified) is (username.lower() == claimed.lower())
    assert isinstance(found, Identified | Refused)
