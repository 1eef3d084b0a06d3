"""Digest: the published vectors, what a client answers, and what a server believes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Authorization,
    Challenge,
    Credentials,
    DigestClient,
    DigestConfig,
    DigestServer,
    PasswordStore,
    Request,
    Response,
    SeededEntropy,
    Uri,
    digest_secret,
)
from sip.authentication.digest import ALGORITHMS, digest_response
from sip.authentication.digest_server import Outcome

MUFASA = {
    "method": "GET",
    "uri": "/dir/index.html",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "nc": "00000001",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "qop": "auth",
}


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_vectors_of_rfc_7616(algorithm: str, expected: str) -> None:
    secret = digest_secret(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
    assert digest_response(secret, algorithm=algorithm, **MUFASA) == expected


def test_vectors_for_an_invite_with_and_without_qop() -> None:
    secret = digest_secret("MD5", "bob", "biloxi.com", "zanzibar")
    common = {"algorithm": "MD5", "method": "INVITE", "uri": "sip:bob@biloxi.com"}
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    assert digest_response(secret, nonce=nonce, **common) == "bf57e4e0d0bffc0fbaedce64d59add5e"
    with_qop = digest_response(secret, nonce=nonce, nc="00000001", cnonce="0a4f113b", qop="auth", **common)
    assert with_qop == "89eb0059246c02b2f6ee02c7961d5ea3"


def test_sha_512_256_is_the_truncated_function_with_its_own_start_values() -> None:
    # FIPS 180-4: the digest of "abc".
    assert ALGORITHMS["sha-512-256"](b"abc") == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"


def request(*, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"", cseq: int = 1) -> Request:
    return Request.build(
        "REGISTER",
        "sip:example.com",
        [
            ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
            ("From", "<sip:bob@example.com>;tag=1"),
            ("To", "<sip:bob@example.com>"),
            ("Call-ID", "one"),
            ("CSeq", f"{cseq} REGISTER"),
            *headers,
        ],
        body,
    )


def client(password: str = "zanzibar", realm: str = "example.com") -> DigestClient:
    known = {realm: Credentials("bob", password)}
    return DigestClient(known.get, entropy=SeededEntropy(b"client"))


def server(**settings: object) -> DigestServer:
    config = DigestConfig(realm="example.com", **settings)  # type: ignore[arg-type]
    store = PasswordStore({"bob": "zanzibar"})
    return DigestServer(config, store, key=b"key", entropy=SeededEntropy(b"server"), wall_clock=1_000_000.0)


def refused(headers: tuple[tuple[str, str], ...], status: int = 401) -> Response:
    return request().response(status, headers=headers)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_what_the_client_answers_the_server_accepts(algorithm: str, qop: str) -> None:
    there = server(algorithms=(algorithm,), qop=(qop,))
    answer = client().answer(refused(there.challenges(now=0.0)), request(body=b"hello"))
    verdict = there.verify(request(headers=answer, body=b"hello"), now=1.0)
    assert (verdict.outcome, verdict.username) == (Outcome.ACCEPTED, "bob")


def test_auth_int_protects_the_body() -> None:
    there = server(qop=("auth-int",))
    answer = client().answer(refused(there.challenges(now=0.0)), request(body=b"hello"))
    assert there.verify(request(headers=answer, body=b"hullo"), now=1.0).outcome is Outcome.WRONG


def test_the_first_challenge_that_the_client_knows_is_answered() -> None:
    challenges = (
        ("WWW-Authenticate", 'NTLM realm="example.com", targetname="host"'),
        ("WWW-Authenticate", 'Digest realm="example.com", nonce="a", algorithm=SHA3-999'),
        ("WWW-Authenticate", 'Digest realm="example.com", nonce="b", algorithm=SHA-256, qop="auth"'),
        ("WWW-Authenticate", 'Digest realm="example.com", nonce="c", algorithm=MD5, qop="auth"'),
    )
    ((name, value),) = client().answer(refused(challenges), request())
    assert name == "Authorization"
    assert Authorization.parse(value).params["nonce"] == "b"


def test_proxies_of_several_realms_are_all_answered() -> None:
    known = {"a.example": Credentials("bob", "1"), "b.example": Credentials("robert", "2")}
    challenges = tuple(("Proxy-Authenticate", f'Digest realm="{r}", nonce="n", qop="auth"') for r in known)
    answers = DigestClient(known.get, entropy=SeededEntropy(b"")).answer(refused(challenges, 407), request())
    assert [name for name, _ in answers] == ["Proxy-Authorization"] * 2
    assert [Authorization.parse(value).params["username"] for _, value in answers] == ["bob", "robert"]


def test_a_second_proxy_does_not_make_the_first_one_ask_again() -> None:
    known = {"a.example": Credentials("bob", "1"), "b.example": Credentials("bob", "2")}
    here = DigestClient(known.get, entropy=SeededEntropy(b""))
    challenge = 'Digest realm="{}", nonce="{}", qop="auth"'
    one, two = (("Proxy-Authenticate", challenge.format(*each)) for each in (("a.example", "n"), ("b.example", "m")))
    first = here.answer(refused((one,), 407), request())
    both = here.answer(refused((two,), 407), request(headers=first))
    given = [Authorization.parse(value).params for _, value in both]
    assert [(each["realm"], each["nonce"], each["nc"]) for each in given] == [
        ("a.example", "n", "00000002"),
        ("b.example", "m", "00000001"),
    ]


def test_credentials_that_are_not_ours_stay_as_they_are() -> None:
    ours = (("WWW-Authenticate", 'Digest realm="example.com", nonce="n", qop="auth"'),)
    others = ('NTLM realm="x", opaque="1"', 'Digest realm="elsewhere", nonce="m", username="bob"')
    sent = request(headers=(*(("Authorization", each) for each in others), ("Authorization", 'Digest realm="')))
    assert [value for _, value in client().answer(refused(ours), sent)][:2] == list(others)


def test_only_so_many_nonces_are_counted() -> None:
    here = DigestClient({"example.com": Credentials("bob", "1")}.get, entropy=SeededEntropy(b""), max_nonces=1)
    counts = []
    for nonce in ("a", "b", "b", "a"):
        challenge = (("WWW-Authenticate", f'Digest realm="example.com", nonce="{nonce}", qop="auth"'),)
        counts.append(Authorization.parse(here.answer(refused(challenge), request())[0][1]).params["nc"][-1])
    assert counts == ["1", "1", "2", "1"]


def test_a_nonce_that_is_none_of_ours_is_stale_even_with_the_right_password() -> None:
    for nonce in ("nonsense!", "c2hvcnQ="):
        challenge = (("WWW-Authenticate", f'Digest realm="example.com", nonce="{nonce}", qop="auth", algorithm=MD5'),)
        answer = client().answer(refused(challenge), request())
        assert server().verify(request(headers=answer), now=0.0).outcome is Outcome.STALE


def test_a_challenge_without_qop_gets_an_answer_without_qop() -> None:
    challenge = (("WWW-Authenticate", 'Digest realm="example.com", nonce="n", opaque="o"'),)
    ((_, value),) = client().answer(refused(challenge), request())
    given = Authorization.parse(value).params
    assert "qop" not in given
    assert "nc" not in given
    assert given["opaque"] == "o"


def test_nonce_counts_rise_with_each_use() -> None:
    here = client()
    challenge = (("WWW-Authenticate", 'Digest realm="example.com", nonce="n", qop="auth"'),)
    counts = [Authorization.parse(here.answer(refused(challenge), request())[0][1]).params["nc"] for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


def test_wrong_credentials_are_not_tried_twice_but_a_stale_nonce_is_replaced() -> None:
    there, here = server(), client("guess")
    first = here.answer(refused(there.challenges(now=0.0)), request())
    tried = request(headers=first)
    assert there.verify(tried, now=0.1).outcome is Outcome.WRONG
    assert here.answer(refused(there.challenges(now=0.1)), tried) == ()
    assert here.answer(refused(there.challenges(now=0.1, stale=True)), tried) != ()


@pytest.mark.parametrize("status", [403, 200])
def test_only_401_and_407_are_answered(status: int) -> None:
    assert client().answer(refused(server().challenges(now=0.0), status), request()) == ()


def test_no_credentials_for_the_realm_no_answer() -> None:
    assert client(realm="example.org").answer(refused(server().challenges(now=0.0)), request()) == ()


def test_credentials_of_one_server_are_shown_to_nobody_else_who_names_its_realm() -> None:
    trunk = Credentials("bob", "zanzibar", frozenset({"trunk.example.net:5080"}))
    here = DigestClient({"example.com": trunk}.get, entropy=SeededEntropy(b"client"))
    asked = refused(server().challenges(now=0.0))

    def is_answered(uri: str, *, call: str, tag: str = "") -> bool:
        to = f"<sip:x@example.com>{tag and ';tag='}{tag}"
        return bool(here.answer(asked, request().evolve(uri=Uri.parse(uri), set={"Call-ID": call, "To": to})))

    assert not is_answered("sip:mallory@192.0.2.66", call="1")
    assert not is_answered("sip:1@trunk.example.net:5080;maddr=192.0.2.66", call="1")
    assert not is_answered("sip:1@trunk.example.net:5080", call="1", tag="mallorys")  # a Contact of its choice
    assert is_answered("sip:1@trunk.example.net:5080;user=phone", call="2")
    assert is_answered("sip:gateway@192.0.2.9", call="2", tag="trunks")
    assert not is_answered("sip:mallory@192.0.2.66", call="2")  # where the trunk redirected the call to
    assert not is_answered("sip:mallory@192.0.2.66", call="2", tag="mallorys")


def test_unreadable_challenges_are_passed_over() -> None:
    challenges = (("WWW-Authenticate", 'Digest realm="'), ("WWW-Authenticate", "Digest"))
    assert client().answer(refused(challenges), request()) == ()


def answered(there: DigestServer, *, now: float = 0.0) -> tuple[tuple[str, str], ...]:
    return client().answer(refused(there.challenges(now=now)), request())


def test_a_used_count_is_stale() -> None:
    there = server()
    again = request(headers=answered(there))
    assert there.verify(again, now=0.0).outcome is Outcome.ACCEPTED
    assert there.verify(again, now=0.0).outcome is Outcome.STALE


def test_an_old_nonce_is_stale() -> None:
    there = server(nonce_lifetime=60.0)
    old = request(headers=answered(there))
    assert there.verify(old, now=61.0).outcome is Outcome.STALE


def test_a_nonce_of_another_key_is_stale_and_one_of_another_process_with_our_key_is_not() -> None:
    made = answered(server())
    assert server().verify(request(headers=made), now=0.0).outcome is Outcome.ACCEPTED
    stranger = DigestServer(
        DigestConfig(realm="example.com"),
        PasswordStore({"bob": "zanzibar"}),
        key=b"another",
        entropy=SeededEntropy(b""),
        wall_clock=1_000_000.0,
    )
    assert stranger.verify(request(headers=made), now=0.0).outcome is Outcome.STALE


def test_what_an_earlier_process_gave_out_is_stale_so_that_nothing_is_replayed_after_a_restart() -> None:
    before = server()
    used = request(headers=answered(before, now=5.0))
    assert before.verify(used, now=5.0).outcome is Outcome.ACCEPTED
    after = server()
    assert after.verify(used, now=6.0).outcome is Outcome.STALE
    fresh = request(headers=answered(after, now=6.0))
    assert after.verify(fresh, now=6.0).outcome is Outcome.ACCEPTED
    later = request(headers=answered(before, now=7.0))  # of a process that still runs beside this one
    assert after.verify(later, now=7.0).outcome is Outcome.ACCEPTED


def test_counts_of_a_forgotten_nonce_cannot_be_used_again() -> None:
    there = server(max_nonces=1)
    first, second = answered(there), answered(there, now=0.5)
    assert there.verify(request(headers=first), now=1.0).outcome is Outcome.ACCEPTED
    assert there.verify(request(headers=second), now=1.0).outcome is Outcome.ACCEPTED  # pushes the first one out
    assert there.verify(request(headers=first), now=1.0).outcome is Outcome.STALE


def test_requests_that_overtake_each_other_are_all_accepted_once() -> None:
    there, here = server(), client()
    challenge = there.challenges(now=0.0)
    made = [request(headers=here.answer(refused(challenge), request())) for _ in range(5)]
    order = [made[i] for i in (2, 0, 4, 1, 3)]
    assert [there.verify(each, now=0.0).outcome for each in order] == [Outcome.ACCEPTED] * 5
    assert [there.verify(each, now=0.0).outcome for each in order] == [Outcome.STALE] * 5


def changed(headers: tuple[tuple[str, str], ...], **changes: str | None) -> Request:
    ((name, value),) = headers
    params = {**Authorization.parse(value).params, **changes}
    text = ", ".join(f'{key}="{each}"' for key, each in params.items() if each is not None)
    return request(headers=((name, f"Digest {text}"),))


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"username": "eve"}, Outcome.WRONG),
        ({"response": "0" * 64}, Outcome.WRONG),
        ({"algorithm": "SHA-512-256"}, Outcome.WRONG),
        ({"qop": None}, Outcome.WRONG),
        ({"uri": "sip:example.org"}, Outcome.MALFORMED),
        ({"uri": "not a uri"}, Outcome.MALFORMED),
        ({"nc": "xyz"}, Outcome.MALFORMED),
        ({"cnonce": None}, Outcome.MALFORMED),
        ({"realm": "example.org"}, Outcome.MISSING),
    ],
)
def test_what_was_tampered_with_is_not_believed(change: dict[str, str | None], outcome: Outcome) -> None:
    there = server()
    assert there.verify(changed(answered(there), **change), now=0.0).outcome is outcome


def test_no_credentials_are_missing_credentials() -> None:
    assert server().verify(request(), now=0.0).outcome is Outcome.MISSING
    unreadable = request(headers=(("Authorization", 'Digest realm="'),))
    assert server().verify(unreadable, now=0.0).outcome is Outcome.MISSING


def test_a_challenge_says_what_we_take_best_first() -> None:
    there = server(proxy=True, algorithms=("SHA-256", "MD5"))
    lines = there.challenges(now=0.0, stale=True)
    assert there.status == 407
    assert [name for name, _ in lines] == ["Proxy-Authenticate"] * 2
    parsed = [Challenge.parse(value).params for _, value in lines]
    assert [each["algorithm"] for each in parsed] == ["SHA-256", "MD5"]
    assert {each["stale"] for each in parsed} == {"true"}


def test_nothing_secret_is_shown() -> None:
    assert "zanzibar" not in repr(Credentials("bob", "zanzibar"))
    assert "zanzibar" not in repr(PasswordStore({"bob": "zanzibar"}))


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_and_password_survive_the_quoting(username: str, password: str) -> None:
    username = "".join(c for c in username if c.isprintable())
    store = PasswordStore({username: password})
    config = DigestConfig(realm="example.com")
    there = DigestServer(config, store, key=b"key", entropy=SeededEntropy(b"s"))
    here = DigestClient({"example.com": Credentials(username, password)}.get, entropy=SeededEntropy(b"c"))
    answer = here.answer(refused(there.challenges(now=0.0)), request())
    assert there.verify(request(headers=answer), now=0.0).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    "line",
    [
        'Digest realm="example.com", nonce="n", qop=""',
        'Digest realm="example.com", nonce="n", qop=" , "',
        'Digest realm="example.com", nonce="n", algorithm="MD5", stale=FALSE',
        'Digest realm="example.com", nonce="n", algorithm="", qop="auth, token"',
        "Digest realm=example.com, nonce=n, algorithm=md5",
        'Digest realm="other, Digest x", nonce="o", qop="auth", Digest realm="example.com", nonce="n", qop="auth"',
        'Negotiate, NTLM TlRM+/==, Digest realm="example.com", nonce="n"',
        'Digest realm="example.com", nonce="a", algorithm=SHA3-999, Digest realm="example.com", nonce="n"',
    ],
)
def test_challenges_as_servers_write_them_are_answered(line: str) -> None:
    ((_, value),) = client().answer(refused((("WWW-Authenticate", line),)), request())
    assert (Authorization.parse(value).realm, Authorization.parse(value).params["nonce"]) == ("example.com", "n")


def test_a_realm_with_blanks_may_lack_its_quotes() -> None:
    line = "Digest realm=The Office PBX, nonce=dcd9+8b/7102==, algorithm=MD5"
    ((_, value),) = client(realm="The Office PBX").answer(refused((("WWW-Authenticate", line),)), request())
    assert Authorization.parse(value).params["nonce"] == "dcd9+8b/7102=="


def test_challenges_of_servers_and_proxies_in_one_answer_are_all_answered() -> None:
    known = {"a.example": Credentials("bob", "1"), "b.example": Credentials("robert", "2")}
    challenges = tuple(
        (name, f'Digest realm="{realm}", nonce="n"')
        for name, realm in (("WWW-Authenticate", "a.example"), ("Proxy-Authenticate", "b.example"))
    )
    for status in (401, 407):
        answers = DigestClient(known.get, entropy=SeededEntropy(b"")).answer(refused(challenges, status), request())
        assert [name for name, _ in answers] == ["Authorization", "Proxy-Authorization"]


@pytest.mark.parametrize("same", [True, False])
def test_a_server_that_calls_every_nonce_stale_is_not_asked_for_ever(same: bool) -> None:
    here, sent, tries = client(), request(), 0
    while tries < 10:
        nonce = "n" if same else f"n{tries}"
        challenge = ("WWW-Authenticate", f'Digest realm="example.com", nonce="{nonce}", stale="True"')
        answers = here.answer(refused((challenge,)), sent)
        if not answers:
            break
        sent, tries = request(headers=answers), tries + 1
    assert tries == (1 if same else 4)


@pytest.mark.parametrize("uri", ["sip:example.com:5060", "sip:EXAMPLE.com;transport=tcp", "<sip:example.com>"])
def test_credentials_for_the_request_uri_with_other_parameters_or_port_are_good(uri: str) -> None:
    there = server()
    assert verdict_of(there, uri=uri) is Outcome.ACCEPTED
    assert verdict_of(there, uri="sip:bob@example.com") is Outcome.MALFORMED


def verdict_of(there: DigestServer, *, uri: str = "sip:example.com", **more: str) -> Outcome:
    nonce = Challenge.parse(there.challenges(now=0.0)[0][1]).params["nonce"]
    qop = more.get("qop", "auth")
    counted = {"nc": "00000001", "cnonce": "c", "qop": qop} if qop else {}
    response = digest_response(
        digest_secret("MD5", "bob", "example.com", "zanzibar"),
        algorithm="MD5",
        method="REGISTER",
        uri=uri,
        nonce=nonce,
        **counted,  # type: ignore[arg-type]
    )
    given = {"username": "bob", "realm": "example.com", "nonce": nonce, "uri": uri, "response": response}
    text = "Digest " + ", ".join(f'{name}="{value}"' for name, value in {**given, **counted, **more}.items())
    first = there.verify(request(headers=(("Authorization", text),)), now=0.0).outcome
    if first is Outcome.ACCEPTED:
        assert there.verify(request(headers=(("Authorization", text),)), now=0.0).outcome is Outcome.STALE
    return first


def test_credentials_without_qop_serve_once() -> None:
    assert verdict_of(server(), qop="") is Outcome.ACCEPTED
    assert verdict_of(server(qop=("auth-int",)), qop="") is Outcome.WRONG


def test_credentials_of_several_realms_may_share_a_line() -> None:
    there = server()
    ((name, value),) = answered(there)
    joined = f'Digest realm="elsewhere", username="x", {value}, NTLM realm="y"'
    assert there.verify(request(headers=((name, joined),)), now=0.0).outcome is Outcome.ACCEPTED
