"""Guests: by passcode, proved with Digest, or through the lobby; and what strangers try."""

from __future__ import annotations

import logging

import attrs
import pytest
from calling import GUID, Caller, with_endpoint
from focus_site import DOMAIN, RECORDS_URL, Phone, Site
from late_store import LateStore
from test_factory import ID, Scheduler
from test_factory import record as add_record
from test_records_later import joining, status

from c3p import (
    AddConference,
    AdmissionPolicy,
    ClientInfo,
    Code,
    ConferenceKeys,
    GetConference,
    ModifyConference,
    Request,
    Response,
    parse_document,
)
from focus import (
    ConferenceCreated,
    ConferenceRecord,
    FactoryConfig,
    JoinFailed,
    Left,
    LocalProtocolError,
    RecordWriteWanted,
    SubscriptionLost,
    from_header,
    guest_aor,
    guests,
)
from sip import (
    AddressOfRecord,
    Authenticator,
    AuthenticatorConfig,
    Challenged,
    Credentials,
    CredentialsRefused,
    Flow,
    Identification,
    Identified,
    PasswordStore,
    Pending,
    SeededEntropy,
    SessionFailed,
    Uri,
    conference_key,
)
from sip import Request as SipRequest

PASSCODE = "tulip-4711"
CHALLENGE = Challenged(status=401, headers=(("WWW-Authenticate", 'Digest realm="example.com", nonce="n", qop="auth"'),))


def users_only(request: SipRequest, flow: Flow) -> Identification:
    """An installation whose users have passwords: here who says so is one of them, and others are asked."""
    name = AddressOfRecord.read(from_header(request, flow) or "")
    known = name.uri is not None and name.uri.host == DOMAIN
    return Identified(user=name) if known else CHALLENGE


def site_with_guests(
    passcode: str | None = PASSCODE, policy: str = AdmissionPolicy.ANONYMOUS, *, lobby: bool = False, **focus: object
) -> tuple[Site, str]:
    """Alice's conference, with her in it."""
    site = Site(identify=users_only, **focus)
    alice = site.client("alice")
    conference = site.created(alice, passcode=passcode, admission_policy=policy, lobby=lobby)
    site.joined(alice, conference)
    return site, conference


def guest(site: Site, name: str, **config: object) -> Phone:
    """A client without an account."""
    return site.client(name, aor=guest_aor(SeededEntropy(name.encode())), display_name=name.title(), **config)


def tried(site: Site, phone: Phone, conference: str, passcode: str | None) -> int | None:
    """How a guest's join ends."""
    phone.node.events.clear()
    phone.client.join(conference, passcode=passcode, now=site.net.now)
    site.net.run()
    return status(phone)


# Getting in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithms", [("SHA-256", "MD5-sess"), ("MD5-sess",), ("MD5",)])
def test_a_guest_who_knows_the_passcode_joins_and_follows(algorithms: tuple[str, ...]) -> None:
    site, conference = site_with_guests(guest_algorithms=algorithms)
    bob = guest(site, "bob")
    assert tried(site, bob, conference, PASSCODE) == 200
    assert bob.client.role == "attendee"
    bob.client.subscribe(now=site.net.now)
    site.net.run()
    assert bob.user(bob.client.config.aor) is not None


def test_a_guest_who_does_not_know_it_is_asked_and_stays_out() -> None:
    site, conference = site_with_guests()
    assert tried(site, guest(site, "bob"), conference, None) == 401
    assert tried(site, guest(site, "carol"), conference, "wrong") == 401
    assert len(site.focus.roster(conference).users.users) == 1  # type: ignore[union-attr]


def test_several_guests_are_told_apart() -> None:
    site, conference = site_with_guests()
    bob, carol = guest(site, "bob"), guest(site, "carol")
    assert tried(site, bob, conference, PASSCODE) == 200
    assert tried(site, carol, conference, PASSCODE) == 200
    assert len(site.focus.roster(conference).users.users) == 3  # type: ignore[union-attr]


def test_users_need_no_passcode() -> None:
    site, conference = site_with_guests()
    assert status(joining(site, "bob", conference)) == 200


def test_the_passcode_of_one_conference_opens_no_other() -> None:
    site, conference = site_with_guests()
    other = site.created(site.client("erin"), passcode="another-one", admission_policy="anonymous")
    bob = guest(site, "bob")
    assert tried(site, bob, other, PASSCODE) == 401
    assert tried(site, bob, conference, PASSCODE) == 200


def test_a_passcode_is_nothing_where_guests_are_not_admitted() -> None:
    site, conference = site_with_guests(policy=AdmissionPolicy.OPEN_AUTHENTICATED)
    bob = guest(site, "bob")
    assert tried(site, bob, conference, PASSCODE) == 401
    challenge = bob.node.last(JoinFailed)
    assert challenge.status == 401


def test_a_conference_for_anybody_without_passcode_asks_nobody() -> None:
    site, conference = site_with_guests(passcode=None)
    assert tried(site, guest(site, "bob"), conference, None) == 200


def test_without_a_passcode_guests_wait_in_the_lobby_until_a_presenter_lets_them_in() -> None:
    site = Site(identify=users_only)
    alice, bob = site.client("alice"), guest(site, "bob")
    conference = site.created(alice, admission_policy=AdmissionPolicy.CLOSED_AUTHENTICATED, lobby=True)
    site.joined(alice, conference)
    assert tried(site, bob, conference, None) == 200

    def waits() -> bool:
        user = alice.user(bob.client.config.aor)
        assert user is not None
        return user.endpoints[0].status == "on-hold"

    assert waits()
    alice.client.set_lobby_access([bob.client.config.aor], granted=True, now=site.net.now)
    site.net.run()
    assert not waits()
    # ... which is for clients that can wait.
    assert tried(site, guest(site, "carol", lobby_capable=False), conference, None) == 403


def test_whom_identify_refuses_is_no_guest() -> None:
    site, conference = site_with_guests()
    object.__setattr__(site.focus.config, "identify", lambda request, flow: None)
    assert tried(site, guest(site, "bob"), conference, PASSCODE) == 403


def test_a_passcode_is_for_guests_alone() -> None:
    site, conference = site_with_guests()
    bob = site.client("bob")
    with pytest.raises(LocalProtocolError):
        bob.client.join(conference, passcode=PASSCODE, now=site.net.now)
    assert tried(site, bob, conference, None) == 200


def test_a_guest_whose_nonce_is_old_is_asked_again_and_it_counts_as_no_guess() -> None:
    site, conference = site_with_guests(guest_guesses_per_source=1)
    bob = guest(site, "bob")
    for _ in range(3):
        assert tried(site, bob, conference, PASSCODE) == 200
        bob.client.leave(now=site.net.now)
        site.net.run(400.0)


class Slow:
    """Passwords of users in a database: a question, and an answer later."""

    def __init__(self) -> None:
        self.users = PasswordStore({"alice": "alice's own"})
        self.asked: list[tuple[str, str, str, str]] = []

    def secret(self, username: str, realm: str, algorithm: str) -> Pending:
        self.asked.append((f"secret-{len(self.asked)}", username, realm, algorithm))
        return Pending(self.asked[-1][0])


def test_users_prove_their_password_and_guests_the_passcode_whatever_the_database_takes() -> None:
    database = Slow()
    judge = Authenticator(
        AuthenticatorConfig(domains=(DOMAIN,)), database, key=b"k" * 32, entropy=SeededEntropy(b"judge")
    )
    site = Site()
    identify = judge.asked_at(lambda: site.net.now)
    site = Site(identify=identify, factory=FactoryConfig(domain=DOMAIN, identify=identify))

    def answered() -> None:
        while database.asked:
            number, *question = database.asked.pop(0)
            core = site.focus if len(site.focus._procedures) else site.factory
            found = judge.resolved(number, database.users.secret(*question), now=site.net.now)
            core.identified(number, found, now=site.net.now)
            site.node.take([])
            site.net.run()

    alice, bob = site.client("alice"), guest(site, "bob")
    alice.node.endpoint.set_credentials(DOMAIN, Credentials("alice", "alice's own"))
    alice.client.create_conference(admission_policy="anonymous", passcode=PASSCODE, now=site.net.now)
    site.net.run()
    answered()
    conference = alice.node.last(ConferenceCreated).conference_uri
    alice.client.join(conference, now=site.net.now)
    site.net.run()
    answered()
    assert (status(alice), alice.client.role) == (200, "presenter")
    assert tried(site, bob, conference, PASSCODE) == 200
    assert tried(site, guest(site, "carol"), conference, "wrong") == 401
    mallory = site.client("mallory", aor=f"sip:alice@{DOMAIN}")
    mallory.node.endpoint.set_credentials(DOMAIN, Credentials("alice", "guessed"))
    mallory.client.join(conference, now=site.net.now)
    site.net.run()
    answered()
    assert status(mallory) == 401
    bob.client.subscribe(now=site.net.now)
    site.net.run()
    assert bob.user(f"sip:alice@{DOMAIN}") is not None


# What strangers try --------------------------------------------------------------------------------------------------


def test_wrong_guesses_of_one_source_are_limited_and_others_are_heard() -> None:
    site, conference = site_with_guests(guest_guesses_per_source=3)
    mallory = guest(site, "mallory")
    answers = [tried(site, mallory, conference, f"guess-{n}") for n in range(5)]
    assert answers == [401, 401, 401, 503, 503]
    assert tried(site, mallory, conference, PASSCODE) == 503  # not told that it was right
    failed = mallory.node.last(JoinFailed)
    assert failed.response is None or failed.response.reason != "success"
    assert tried(site, guest(site, "bob"), conference, PASSCODE) == 200
    told = [(each.source, each.reason) for each in site.node.of(CredentialsRefused)]
    assert told == [
        *[(mallory.node.host, "wrong passcode")] * 3,
        *[(mallory.node.host, "too many wrong passcodes")] * 3,
    ]
    assert {each.realm for each in site.node.of(CredentialsRefused)} == {conference_key(Uri.parse(conference))}
    site.net.run(site.focus.config.guest_guess_window)
    assert tried(site, mallory, conference, PASSCODE) == 200


def test_wrong_guesses_of_many_sources_are_limited_for_a_conference_and_users_are_not() -> None:
    site, conference = site_with_guests(guest_guesses_per_conference=4)
    answers = [tried(site, guest(site, f"mallory{n}"), conference, "wrong") for n in range(6)]
    assert answers == [401, 401, 401, 401, 503, 503]
    assert status(joining(site, "bob", conference)) == 200


def test_credentials_for_a_nonce_that_nobody_was_given_are_no_guesses() -> None:
    """Else datagrams in many names lock all guests out, and who sends them reads no answer."""
    site, conference = site_with_guests(guest_guesses_per_source=3, guest_guesses_per_conference=4)
    mallory = Caller(site, "mallory")
    mallory.aor = "sip:mallory@anonymous.invalid"
    realm, wrong = conference_key(Uri.parse(conference)), "0" * 32
    invented = (
        f'Digest username="x", realm="{realm}", nonce="invented", uri="{conference}", qop=auth, nc=00000001, '
        f'cnonce="c", algorithm=SHA-256, response="{wrong}"'
    )
    for _ in range(6):
        body = bytes(mallory.document(conference))
        answer = mallory.refused(conference, body, headers=(("Authorization", invented),))
        assert answer.status == 401
        assert "stale=true" in answer.headers.get("WWW-Authenticate", "")
    assert tried(site, guest(site, "bob"), conference, PASSCODE) == 200


def test_nobody_takes_the_name_of_a_guest_who_is_there() -> None:
    site, conference = site_with_guests(None, AdmissionPolicy.CLOSED_AUTHENTICATED, lobby=True)
    bob = guest(site, "bob")
    assert tried(site, bob, conference, None) == 200
    mallory = site.client("mallory", aor=bob.client.config.aor)
    assert tried(site, mallory, conference, None) == 403
    assert bob.node.of(Left) == []


def test_nobody_takes_the_name_of_a_guest_behind_the_same_proxy() -> None:
    """Both come by one connection: what is theirs is the device."""
    site, conference = site_with_guests(None, AdmissionPolicy.CLOSED_AUTHENTICATED, lobby=True)
    proxy = Caller(site, "nobody")
    proxy.aor = "sip:nobody@anonymous.invalid"
    answers = []
    waiting = {"client_info": ClientInfo(lobby_capable=True)}
    for device in (GUID, GUID, GUID.replace("9E18", "0000")):
        proxy.node.events.clear()
        proxy.invite(conference, bytes(with_endpoint(proxy.document(conference), entity=device, **waiting)))
        failed = proxy.node.of(SessionFailed)
        answers.append(failed[0].status if failed else 200)
    assert answers == [200, 200, 403]


def test_a_stranger_does_not_follow_under_the_name_of_a_guest() -> None:
    site, conference = site_with_guests()
    bob = guest(site, "bob")
    assert tried(site, bob, conference, PASSCODE) == 200
    peer = Scheduler(site)
    aor = bob.client.config.aor
    answer = peer.send(
        f"""SUBSCRIBE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKspy
        Max-Forwards: 70
        From: <{aor}>;tag=1
        To: <{conference}>
        Contact: <sip:x@192.0.2.77;transport=tcp>
        Call-ID: spy
        CSeq: 1 SUBSCRIBE
        Event: conference"""
    )[0]
    assert answer.status == 401  # type: ignore[union-attr]
    assert not bob.node.of(SubscriptionLost)


def test_without_a_passcode_a_guest_is_known_by_its_connection_alone() -> None:
    site, conference = site_with_guests(passcode=None)
    bob = guest(site, "bob")
    assert tried(site, bob, conference, None) == 200
    peer = Scheduler(site)
    answer = peer.send(
        f"""SUBSCRIBE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKspy
        Max-Forwards: 70
        From: <{bob.client.config.aor}>;tag=1
        To: <{conference}>
        Contact: <sip:x@192.0.2.77;transport=tcp>
        Call-ID: spy
        CSeq: 1 SUBSCRIBE
        Event: conference"""
    )[0]
    assert answer.status == 401  # type: ignore[union-attr]


def test_credentials_that_make_no_sense_are_400_and_no_guess() -> None:
    site, conference = site_with_guests(guest_guesses_per_source=1)
    realm = conference_key(Uri.parse(conference))
    caller = Caller(site, "nobody")
    caller.aor = "sip:nobody@anonymous.invalid"
    for _ in range(3):
        caller.node.events.clear()
        broken = (("Authorization", f'Digest realm="{realm}", algorithm=MD5-sess'),)
        caller.invite(conference, bytes(caller.document(conference)), headers=broken)
        assert caller.node.last(SessionFailed).status == 400


def test_conferences_whose_nonces_were_forgotten_ask_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "_MOST_SERVERS", 1)
    site, first = site_with_guests()
    second = site.created(site.client("erin"), passcode=PASSCODE, admission_policy="anonymous")
    for uri in (first, second, first):
        phone = guest(site, f"bob{uri}{site.net.now}")
        assert tried(site, phone, uri, PASSCODE) == 200
        site.net.run(1.0)
    assert len(site.focus._joining._guests._servers) == 1


# Records -------------------------------------------------------------------------------------------------------------


def documents(site: Site) -> tuple[Scheduler, AddConference]:
    return Scheduler(site), add_record(admission_policy="anonymous", passcode=PASSCODE)


def test_a_passcode_is_written_and_never_read_back() -> None:
    site = Site()
    peer, command = documents(site)
    answers = [peer.asked(command), peer.asked(GetConference(conference_keys=ConferenceKeys(conference_id=ID)))]
    assert all(PASSCODE.encode() not in bytes(one) for one in answers)
    (stored,) = site.store.of_organizer(f"alice@{DOMAIN}")
    assert stored.passcode == PASSCODE


def test_a_passcode_is_changed_kept_and_taken_away() -> None:
    site = Site()
    peer, command = documents(site)
    peer.asked(command)
    keys = ConferenceKeys(conference_id=ID)
    for wish, expected in ((None, PASSCODE), ("other-9", "other-9"), ("", None)):
        info = add_record(passcode=wish).conference_info
        assert peer.asked(ModifyConference(conference_keys=keys, conference_info=info)).code is Code.SUCCESS
        assert site.store.of_organizer(f"alice@{DOMAIN}")[0].passcode == expected


@pytest.mark.parametrize("bad", ["abc", "x" * 65, "with blank", "tülip-4711"])
def test_a_passcode_that_nobody_could_type_is_refused(bad: str) -> None:
    site = Site()
    answer = Scheduler(site).asked(add_record(passcode=bad))
    assert (answer.code, answer.reason) == (Code.FAILURE, "requestMalformed")


def test_a_focus_elsewhere_learns_the_passcode() -> None:
    readers = FactoryConfig(domain=DOMAIN, record_readers=frozenset({"focus-1"}))
    elsewhere = Site(factory=readers)
    conference = elsewhere.created(elsewhere.client("alice"), passcode=PASSCODE, admission_policy="anonymous")
    site = Site(records_url=RECORDS_URL, identify=users_only)
    site.net.services[RECORDS_URL] = lambda request: elsewhere.factory.receive_c3p(request, peer="focus-1", now=0.0)
    assert tried(site, guest(site, "bob"), conference, PASSCODE) == 200
    assert tried(site, guest(site, "carol"), conference, "wrong") == 401


def test_a_passcode_crosses_the_wire_once_and_is_in_no_repr_log_or_roster(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site = Site(late=True, identify=users_only)
    store = LateStore(site, at_once=True)
    sent: list[bytes] = []
    site.net.middle = lambda message, flow: sent.append(message.data) or message.data  # type: ignore[func-returns-value]
    conference = site.created(site.client("alice"), passcode=PASSCODE, admission_policy="anonymous")
    bob = guest(site, "bob")
    assert tried(site, bob, conference, PASSCODE) == 200
    assert tried(site, guest(site, "carol"), conference, "wrong-guess") == 401
    bob.client.subscribe(now=site.net.now)
    site.net.run()
    assert any(PASSCODE.encode() in data for data in sent)  # addConference carries it
    assert sum(PASSCODE.encode() in data for data in sent) == 1
    (write,) = site.node.of(RecordWriteWanted)
    assert write.after is not None
    assert write.after.passcode == PASSCODE
    shown = [repr(event) for agent in site.net.agents for event in agent.events]  # type: ignore[attr-defined]
    shown += [repr(write.after), repr(add_record(passcode=PASSCODE)), repr(site.focus.roster(conference)), caplog.text]
    shown += [repr(site.focus.config), repr(store.open), bytes(site.focus.roster(conference)).decode()]  # type: ignore[arg-type]
    assert not any(PASSCODE in text for text in shown)


def test_a_record_is_the_same_with_and_without_its_passcode_in_repr() -> None:
    made = ConferenceRecord(conference_id=ID, organizer=f"sip:alice@{DOMAIN}", focus_uri="sip:x", passcode=PASSCODE)
    assert attrs.evolve(made, passcode=None) != made
    assert repr(attrs.evolve(made, passcode=None)) == repr(made)
    document = Request(request_id="1", from_="a", to="b", command=add_record(passcode=PASSCODE))
    again = parse_document(bytes(document))
    assert isinstance(again, Request)
    assert isinstance(again.command, AddConference)
    assert not isinstance(again, Response)
    assert again.command == document.command
