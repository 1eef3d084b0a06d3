"""Requests in the dialogs of others: who knows Call-ID and tags commands nobody."""

from __future__ import annotations

import hashlib
import itertools
import re

import pytest
from focus_site import DOMAIN, FOCUS_HOST, Phone, Site
from test_answers_later import Directory, told
from test_guests import PASSCODE, guest, site_with_guests, tried

from c3p import ConferenceInfo
from focus import CommandSucceeded, FactoryConfig, Left, RequestRefused
from sip import (
    Address,
    Authenticator,
    AuthenticatorConfig,
    Credentials,
    Flow,
    LocalProtocolError,
    PasswordStore,
    Request,
    RequestFromElsewhere,
    Response,
    SeededEntropy,
    digest_secret,
    parse_message,
)

PASSWORDS = {"alice": "one", "bob": "two"}
METHODS = ["INFO", "SUBSCRIBE", "BYE", "INVITE", "UPDATE"]
_branches = itertools.count()


def site_with_passwords(**more: object) -> Site:
    config = AuthenticatorConfig(domains=(DOMAIN,), trusted_networks=("203.0.113.0/24",))
    authenticator = Authenticator(config, PasswordStore(PASSWORDS), key=b"key", entropy=SeededEntropy(b"passwords"))
    site = Site(identify=lambda request, flow: authenticator.identify(request, flow, now=site.net.now), **more)
    return site


def meeting(transport: str = "TCP") -> tuple[Site, str, Phone]:
    """Alice presents, and bob is there, too; both have passwords. She has given a command."""
    site = site_with_passwords()
    phones = {name: site.client(name, transport=transport) for name in PASSWORDS}
    conference = site.created(phones["alice"])
    for name, phone in phones.items():
        phone.node.endpoint.set_credentials(DOMAIN, Credentials(name, PASSWORDS[name]))
        site.joined(phone, conference)
    lock(site, phones["alice"], True)
    lock(site, phones["alice"], False)
    return site, conference, phones["alice"]


def lock(site: Site, phone: Phone, locked: bool) -> None:
    """A command, which is carried out."""
    before = len(phone.node.of(CommandSucceeded))
    phone.client.set_lock(locked, now=site.net.now)
    site.net.run(1.0)
    assert len(phone.node.of(CommandSucceeded)) == before + 1


def is_locked(site: Site, conference: str) -> bool:
    roster = site.focus.roster(conference)
    assert roster is not None
    return shows_lock(roster)


def shows_lock(roster: ConferenceInfo) -> bool:
    view = roster.conference_view
    state = view.views[0].entity_state if view is not None else None
    return state is not None and state.locked is True


def people(site: Site, conference: str) -> set[str]:
    roster = site.focus.roster(conference)
    assert roster is not None
    assert roster.users is not None
    return {one.entity for one in roster.users.users}


def seen(site: Site, phone: Phone, method: str) -> Request:
    """The last request of a method that a phone has sent in a dialog, as anybody saw it."""
    return next(one for one in reversed(site.net.requests(method, by=phone.node)) if one.to.tag is not None)


def locking(site: Site, phone: Phone) -> Request:
    """The INFO that locked the conference."""
    return next(one for one in site.net.requests("INFO", by=phone.node) if b"true" in one.body)


def forged(request: Request, method: str = "INFO", *, cseq: int | None = None, **headers: str) -> Request:
    """A request of the dialog of another, written by somebody else."""
    number = request.cseq.number + 10 if cseq is None else cseq
    changes: dict[str, object] = {
        "Via": f"SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKf{next(_branches)}",
        "CSeq": f"{number} {method}",
        "Authorization": None,
        "Route": None,
        **headers,
    }
    changed = request.evolve(set=changes)
    body = re.sub(rb'requestId="\d+"', b'requestId="%d"' % (9_000 + next(_branches)), changed.body)
    lines = [(name, value) for name, value in changed.headers if name != "Content-Length"]
    return Request.build(method, changed.uri, lines, body=body)


def elsewhere(site: Site, transport: str, host: str = "192.0.2.99") -> Flow:
    """A flow on which the Focus hears somebody who is not in the conference."""
    return site.net.flow(transport, Address(FOCUS_HOST, 5060), Address(host, 40_999))


def answer(site: Site, request: Request, flow: Flow) -> Response | None:
    """The final answer to a request, None for none yet."""
    before = len(site.net.log)
    site.net.inject(site.node, bytes(request), flow)
    branch = str(request.via[0].branch)
    found = [parse_message(each.data) for each in site.net.log[before:] if branch.encode() in each.data]
    finals = [each for each in found if isinstance(each, Response) and each.status >= 200]
    return finals[0] if finals else None


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
@pytest.mark.parametrize("method", METHODS)
def test_who_knows_the_dialog_of_another_is_asked_for_credentials_and_changes_nothing(
    method: str, transport: str
) -> None:
    site, conference, alice = meeting(transport)
    before, dialogs = people(site, conference), site.node.endpoint.sizes["dialogs"]
    headers = {"Event": "conference", "Expires": "0", "Contact": "<sip:eve@192.0.2.99>"}
    for by, cseq in itertools.product(("UDP", "TCP"), (None, 2**31 - 1)):
        got = answer(site, forged(locking(site, alice), method, cseq=cseq, **headers), elsewhere(site, by))
        assert got is not None
        assert (got.status, "nonce" in got.headers.get("WWW-Authenticate", "")) == (401, True)
    assert is_locked(site, conference) is False
    assert people(site, conference) == before
    assert site.node.endpoint.sizes["dialogs"] == dialogs
    lock(site, alice, True)  # her dialog is as it was, its CSeq and its way included
    assert alice.node.of(Left) == []


@pytest.mark.parametrize("method", ["INFO", "SUBSCRIBE"])
def test_so_is_who_knows_the_dialog_of_a_subscription(method: str) -> None:
    site, conference, alice = meeting()
    (subscribe,) = [one for one in site.net.requests("SUBSCRIBE", by=alice.node) if "Authorization" in one.headers]
    tag = next(one.to.tag for one in site.net.responses(200, by=site.node) if one.call_id == subscribe.call_id)
    known = subscribe.evolve(set={"To": f"<{conference}>;tag={tag}", "Expires": "0"})
    got = answer(site, forged(known, method), elsewhere(site, "UDP"))
    assert got is not None
    assert got.status == 401
    alice.node.events.clear()
    lock(site, alice, True)
    assert alice.client.roster is not None
    assert shows_lock(alice.client.roster)  # she goes on hearing of it


def with_proof(site: Site, request: Request, flow: Flow, name: str) -> Request:
    """The same request with the credentials that it is asked for."""
    asked = answer(site, request, flow)
    assert asked is not None
    assert asked.status == 401
    nonce = asked.headers.get("WWW-Authenticate", "").partition('nonce="')[2].partition('"')[0]
    secret, uri = digest_secret("MD5", name, DOMAIN, PASSWORDS[name]), str(request.uri)
    a2 = hashlib.md5(f"{request.method}:{uri}".encode()).hexdigest()
    response = hashlib.md5(f"{secret}:{nonce}:00000001:c:auth:{a2}".encode()).hexdigest()
    shown = f'username="{name}", realm="{DOMAIN}", nonce="{nonce}", uri="{uri}", response="{response}"'
    proof = {"Authorization": f'Digest {shown}, algorithm=MD5, cnonce="c", qop=auth, nc=00000001'}
    return forged(request, request.method, cseq=request.cseq.number + 1, **proof)


def test_a_user_comes_from_elsewhere_with_his_password_and_is_heard_there_from_then_on() -> None:
    site, conference, alice = meeting()
    flow, request = elsewhere(site, "UDP"), forged(locking(site, alice))
    got = answer(site, with_proof(site, request, flow, "alice"), flow)
    assert got is not None
    assert got.status == 200
    assert is_locked(site, conference) is True
    # And now the way that she came by at first is another one.
    again = answer(site, forged(request, cseq=request.cseq.number + 2), flow)
    assert again is not None
    assert again.status == 200


def test_the_dialog_of_another_is_nobodys_with_a_password_of_ones_own() -> None:
    site, conference, alice = meeting()
    flow = elsewhere(site, "TCP")
    request = forged(locking(site, alice), From=f"<sip:bob@{DOMAIN}>;tag={locking(site, alice).from_.tag}")
    got = answer(site, with_proof(site, request, flow, "bob"), flow)
    assert got is not None
    assert got.status == 403
    assert is_locked(site, conference) is False
    assert site.focus.refusals["dialog", 403, "authorization_failed"] == 1
    told = site.node.last(RequestRefused)
    assert (told.what, told.status, told.source, told.sender) == ("dialog", 403, "192.0.2.99", f"sip:bob@{DOMAIN}")
    assert told.text == "That is the dialog of somebody else"


def test_a_trusted_proxy_says_who_sends_by_another_way() -> None:
    site, conference, alice = meeting()
    for name, status in (("bob", 403), ("alice", 200)):
        said = {"P-Asserted-Identity": f"<sip:{name}@{DOMAIN}>"}
        got = answer(site, forged(locking(site, alice), **said), elsewhere(site, "TCP", "203.0.113.5"))
        assert got is not None
        assert got.status == status
    assert is_locked(site, conference) is True


def test_a_guest_is_known_by_its_connection_alone() -> None:
    site, conference = site_with_guests()
    bob = guest(site, "bob")
    assert tried(site, bob, conference, PASSCODE) == 200
    before = people(site, conference)
    invite = site.net.requests("INVITE", by=bob.node)[-1]
    tag = next(one.to.tag for one in site.net.responses(200, by=site.node) if one.call_id == invite.call_id)
    known = forged(invite, "BYE").evolve(set={"To": f"<{conference}>;tag={tag}"})
    got = answer(site, known, elsewhere(site, "UDP"))
    assert got is not None
    assert got.status == 401
    assert people(site, conference) == before
    bob.client.leave(now=site.net.now)
    site.net.run(1.0)
    assert people(site, conference) != before


def test_where_from_is_believed_it_is_believed_from_elsewhere_too() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    lock(site, alice, True)
    lock(site, alice, False)
    info = locking(site, alice)
    as_bob = f"<sip:bob@{DOMAIN}>;tag={info.from_.tag}"
    for changes, status in (({"From": as_bob}, 403), ({}, 200)):
        got = answer(site, forged(info, **changes), elsewhere(site, "UDP"))
        assert got is not None
        assert got.status == status


def test_a_request_waits_for_a_directory_and_is_let_go_when_its_dialog_has_ended() -> None:
    directory = Directory()
    directory.later = False
    site = Site(identify=directory, factory=FactoryConfig(domain=DOMAIN))
    conference, alice, _ = site.meeting("bob")
    lock(site, alice, True)
    lock(site, alice, False)
    directory.later = True
    flow = elsewhere(site, "UDP")
    info, bye, invite = (forged(locking(site, alice), method) for method in ("INFO", "BYE", "INVITE"))
    assert [answer(site, each, flow) for each in (info, bye, invite)] == [None, None, None]
    assert alice.client.role == "presenter"
    alice.client.leave(now=site.net.now)  # by the way that she came: nobody has to be asked
    site.net.run(1.0)
    assert people(site, conference) == {f"sip:bob@{DOMAIN}"}
    for number, _ in directory.asked:
        told(site, site.focus.identified, number, f"sip:alice@{DOMAIN}")
    assert [len(site.net.responses(status, by=site.node)) for status in (481, 500)] == [3, 0]
    site.net.run(64.0)
    assert site.node.endpoint.sizes["transactions"] == 0


def test_a_core_takes_only_what_waits_for_it() -> None:
    site, _, alice = meeting()
    with pytest.raises(LocalProtocolError):
        site.node.endpoint.take_request(10**6, now=site.net.now)  # type: ignore[arg-type]
    taken: list[RequestFromElsewhere] = []
    handle = site.focus._from_elsewhere

    def twice(event: RequestFromElsewhere, now: float) -> None:
        handle(event, now)
        taken.append(event)

    site.focus.handle_event = (  # type: ignore[method-assign]
        lambda event, now, before=site.focus.handle_event: (
            (twice(event, now), [])[1] if isinstance(event, RequestFromElsewhere) else before(event, now=now)
        )
    )
    answer(site, forged(locking(site, alice)), elsewhere(site, "UDP"))
    with pytest.raises(LocalProtocolError):
        site.node.endpoint.take_request(taken[0].transaction, now=site.net.now)
