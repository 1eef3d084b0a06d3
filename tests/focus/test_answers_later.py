"""Who somebody is, and whether something may be done, when that takes time: ``identify`` and the policy say Pending."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from focus_site import DOMAIN, Phone, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_factory import Scheduler, record
from test_records_later import asked, codes, invitation, joining, status

from c3p import AddUser, Code
from c3p import Request as Command
from focus import (
    Admission,
    AdmissionVerdict,
    Allowed,
    CommandFailed,
    CommandQuestion,
    CommandSucceeded,
    ConferenceRules,
    DialOutQuestion,
    FactoryConfig,
    JoinFailed,
    JoinQuestion,
    LocalProtocolError,
    Refusal,
    from_header,
)
from sip import (
    AddressOfRecord,
    Challenged,
    Flow,
    Identification,
    Identified,
    InternalFault,
    Pending,
    Refused,
    Request,
)

CHALLENGE = Challenged(status=401, headers=(("WWW-Authenticate", 'Digest realm="r", nonce="n"'),))


class Directory:
    """Knows who somebody is, after a while."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.later = True

    def __call__(self, request: Request, flow: Flow) -> str | Identification | None:
        name = from_header(request, flow)
        if not self.later:
            return name
        number = f"who-{len(self.asked)}"
        self.asked.append((number, name))
        return Pending(number)


def site_with_directory(**more: object) -> tuple[Site, Directory, str]:
    directory = Directory()
    directory.later = False
    site = Site(identify=directory, factory=FactoryConfig(domain=DOMAIN, identify=directory), **more)
    conference = site.created(site.client("alice"))
    directory.later = True
    return site, directory, conference


def told(site: Site, command: Callable[..., None], *given: object) -> None:
    """Give an answer, and let everything settle."""
    command(*given, now=site.net.now)
    site.node.take([])
    site.net.run()


# Identity ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (f"sip:bob@{DOMAIN}", 200),
        (Identified(user=AddressOfRecord.read(f"sip:bob@{DOMAIN}")), 200),
        (f"sip:mallory@{DOMAIN}", 403),
        (None, 403),
        (CHALLENGE, 401),
        (Refused(status=403, text="Not Your Address"), 403),
        (Refused(status=480), 480),
    ],
)
def test_a_join_goes_on_when_it_is_known_who_it_is_from(found: object, expected: int) -> None:
    site, directory, conference = site_with_directory()
    bob = joining(site, "bob", conference)
    assert status(bob) is None
    told(site, site.focus.identified, directory.asked[0][0], found)
    assert status(bob) == expected


def test_who_waits_and_whose_connection_is_gone_leaves_its_place() -> None:
    site, directory, conference = site_with_directory(max_waiting_joins=1)
    bob = site.client("bob")
    flow = site.net.pair(bob.node, site.node, "TCP")[1]
    site.node.take(site.node.endpoint.receive_data(invitation(conference, "1"), flow=flow, now=site.net.now))
    assert (len(directory.asked), len(site.focus._procedures)) == (1, 1)
    assert status(joining(site, "carol", conference)) == 503
    site.net.break_off(flow)
    assert len(site.focus._procedures) == 0
    dave = joining(site, "dave", conference)
    told(site, site.focus.identified, directory.asked[-1][0], f"sip:dave@{DOMAIN}")
    assert status(dave) == 200
    told(site, site.focus.identified, directory.asked[0][0], f"sip:raw1@{DOMAIN}")  # too late, and no mistake
    assert len(site.focus.roster(conference).users.users) == 1  # type: ignore[union-attr]


def test_a_challenge_goes_out_as_it_was_given_and_a_refusal_with_its_words() -> None:
    refused = Refused(status=403, text="Not Your Address", headers=(("X-Why", "because"),))
    for answer, status_line in ((CHALLENGE, "401 Unauthorized"), (refused, "403 Not Your Address")):
        site = Site(factory=FactoryConfig(domain=DOMAIN, identify=lambda request, flow, answer=answer: answer))  # type: ignore[misc]
        peer = Scheduler(site)
        asked(peer, record(), 1)
        (response,) = peer.received
        assert bytes(response).decode().startswith(f"SIP/2.0 {status_line}\r\n")
        assert all(response.headers.get(name) == value for name, value in answer.headers)


def test_strangers_are_challenged_before_they_hear_whether_a_conference_exists() -> None:
    site = Site(identify=lambda request, flow: CHALLENGE)
    conference = site.created(site.client("alice"))
    answers = {status(joining(site, name, uri)) for name, uri in (("bob", conference), ("carol", conference + "X"))}
    assert answers == {401}


def test_a_proven_user_who_stays_hidden_is_shown_under_the_anonymous_name_and_no_other() -> None:
    hidden = Identified(user=AddressOfRecord.read(f"sip:bob@{DOMAIN}"), anonymous=True)
    site = Site(identify=lambda request, flow: hidden)
    conference = site.created(site.client("alice"), admission_policy="anonymous")
    ghost = site.client("ghost", aor="sip:anonymous@anonymous.invalid")
    site.joined(ghost, conference)
    assert ghost.user("sip:anonymous@anonymous.invalid") is not None
    # A name in From that was not proven is nobody's to use.
    assert status(joining(site, "carol", conference)) == 403


def test_one_sender_is_identified_in_order_and_others_do_not_wait_for_it() -> None:
    site, directory, conference = site_with_directory()
    bob, carol = joining(site, "bob", conference), joining(site, "carol", conference)
    told(site, site.focus.identified, directory.asked[1][0], directory.asked[1][1])
    assert (status(bob), status(carol)) == (None, 200)
    told(site, site.focus.identified, directory.asked[0][0], directory.asked[0][1])
    assert status(bob) == 200


def test_a_directory_that_is_silent_is_503_and_one_that_asks_for_more_time_gets_no_more() -> None:
    site, directory, conference = site_with_directory()
    bob = joining(site, "bob", conference)
    site.net.run(6.0)
    told(site, site.focus.identified, directory.asked[0][0], Pending("more"))
    site.net.run(5.0)
    assert status(bob) == 503
    told(site, site.focus.identified, "more", f"sip:bob@{DOMAIN}")  # too late
    assert site.focus.conferences == ()
    with pytest.raises(LocalProtocolError):
        site.focus.identified("more", None, now=site.net.now)


def test_an_id_that_is_used_twice_at_a_time_is_a_fault_of_the_function() -> None:
    site, _, conference = site_with_directory()
    site.net.faults_raise = False
    object.__setattr__(site.focus.config, "identify", lambda request, flow: Pending("the same"))
    bob, carol = joining(site, "bob", conference), joining(site, "carol", conference)
    assert (status(bob), status(carol)) == (None, 500)
    assert len(site.node.of(InternalFault)) == 1
    told(site, site.focus.identified, "the same", f"sip:bob@{DOMAIN}")
    assert status(bob) == 200


def test_a_subscription_and_a_service_wait_for_the_directory_too() -> None:
    site, directory, conference = site_with_directory()
    directory.later = False
    bob = site.joined(site.client("bob"), conference, subscribe=False)
    directory.later = True
    bob.client.subscribe(now=site.net.now)
    site.net.run()
    assert bob.client.roster is None
    told(site, site.focus.identified, *directory.asked[0])
    assert bob.user(f"sip:bob@{DOMAIN}") is not None
    peer = Scheduler(site)
    asked(peer, record(), 1)
    assert codes(peer) == []
    told(site, site.factory.identified, *directory.asked[1])
    assert codes(peer) == [Code.SUCCESS]


# Decisions -----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Clerk(ConferenceRules):
    """Thinks about joins, or about dial-outs, and otherwise follows the rules."""

    about: type = JoinQuestion
    asked: list[JoinQuestion | CommandQuestion] = attrs.field(factory=list, eq=False)

    def admit(self, question: JoinQuestion) -> Admission | Refusal | Pending:  # type: ignore[override]
        return self._later(question) or ConferenceRules.admit(self, question)

    def authorise(self, question: CommandQuestion) -> Allowed | Refusal | Pending:  # type: ignore[override]
        return self._later(question) or ConferenceRules.authorise(self, question)

    def _later(self, question: JoinQuestion | CommandQuestion) -> Pending | None:
        if not isinstance(question, self.about):
            return None
        self.asked.append(question)
        return Pending(f"may-{len(self.asked)}")


def with_clerk(about: type) -> tuple[Site, Clerk, str]:
    clerk = Clerk(about=about)
    site = Site(policy=clerk)
    site.mcu()
    return site, clerk, site.created(site.client("alice"))


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Admission(verdict=AdmissionVerdict.ADMITTED, role="presenter"), 200),
        (Admission(verdict=AdmissionVerdict.LOBBY, role="attendee"), 200),
        (Refusal(403, None, "no"), 403),
        (Allowed(), 403),  # it says nothing about a role
    ],
)
def test_a_join_goes_on_when_the_policy_has_decided(decision: object, expected: int) -> None:
    site, _, conference = with_clerk(JoinQuestion)
    bob = joining(site, "bob", conference)
    assert status(bob) is None
    told(site, site.focus.decided, "may-1", decision)
    assert status(bob) == expected
    if isinstance(decision, Admission):
        assert bob.client.role == decision.role


def test_a_policy_that_never_decides_lets_nobody_in() -> None:
    site, _, conference = with_clerk(JoinQuestion)
    bob = joining(site, "bob", conference)
    site.net.run(site.focus.config.answer_timeout + 1.0)
    failed = bob.node.last(JoinFailed)
    assert failed.status == 503
    assert failed.response is not None
    assert failed.response.reason == "serverBusy"
    assert site.focus.conferences == ()


def dialling_out() -> tuple[Site, str, Phone, Phone]:
    """Alice and bob are in; alice wants a phone called, about which the policy thinks."""
    site, _, conference = with_clerk(DialOutQuestion)
    alice = site.client("alice2", aor=f"sip:alice@{DOMAIN}")
    site.joined(alice, conference)
    bob = site.joined(site.client("bob"), conference)
    alice.client.add_user("sip:phone@example.org", now=site.net.now)
    site.net.run()
    return site, conference, alice, bob


def test_a_command_is_carried_out_once_the_policy_allows_it() -> None:
    site, _, alice, _ = dialling_out()
    assert site.net.exchanges == []
    told(site, site.focus.decided, "may-1", Allowed())
    commands = [one.document.command for one in site.net.exchanges if isinstance(one.document, Command)]
    assert any(isinstance(one, AddUser) for one in commands)
    assert not alice.node.of(CommandFailed)


@pytest.mark.parametrize("decision", [Refusal(403, None, "no"), None])
def test_a_command_that_is_not_allowed_or_not_decided_is_refused(decision: Refusal | None) -> None:
    site, _, alice, _ = dialling_out()
    if decision is None:
        site.net.run(site.focus.config.answer_timeout + 1.0)
    else:
        told(site, site.focus.decided, "may-1", decision)
    assert alice.node.last(CommandFailed).status == (403 if decision else 503)
    assert alice.status("sip:phone@example.org") is None


def test_commands_of_others_wait_for_their_turn() -> None:
    site, _, alice, _ = dialling_out()
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert not alice.node.of(CommandSucceeded)
    told(site, site.focus.decided, "may-1", Refusal(403, None, "no"))
    assert len(alice.node.of(CommandSucceeded)) == 1


def test_a_sender_who_has_left_meanwhile_has_nothing_done() -> None:
    site, conference, alice, bob = dialling_out()
    alice.client.leave(now=site.net.now)
    site.net.run()
    told(site, site.focus.decided, "may-1", Allowed())
    assert bob.status("sip:phone@example.org") is None
    assert site.focus.conferences == (conference,)


def test_a_decision_is_for_the_question_that_was_asked() -> None:
    """The sender was a presenter when it asked; now it is none, so the policy is asked again."""
    site, conference, alice, _ = dialling_out()
    active = site.focus._active.get(next(iter(site.focus._active)).key)
    assert active is not None
    active.roster.set_role(AddressOfRecord.read(f"sip:alice@{DOMAIN}"), "attendee")
    told(site, site.focus.decided, "may-1", Allowed())
    assert alice.status("sip:phone@example.org") is None
    told(site, site.focus.decided, "may-2", Refusal(403, None, "no"))
    assert alice.node.last(CommandFailed).status == 403
    assert conference in site.focus.conferences


# Whatever it takes ---------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(["alice", "bob", "carol", "dave"]), min_size=1, max_size=6), st.randoms())
def test_in_whatever_order_names_are_found_each_gets_the_answer_that_it_gets_at_once(
    names: list[str], chance: object
) -> None:
    ends = []
    for later in (False, True):
        site, directory, conference = site_with_directory()
        directory.later = later
        aors = [f"sip:{name}@{DOMAIN}" for name in names]
        phones = []
        for number, aor in enumerate(aors):
            phone = site.client(f"phone{number}", aor=aor)
            phone.client.join(conference, now=site.net.now)
            site.net.run()
            phones.append(phone)
        waiting = list(directory.asked)
        chance.shuffle(waiting)  # type: ignore[attr-defined]
        for number, name in waiting:
            told(site, site.focus.identified, number, name)
        roster = site.focus.roster(conference)
        assert roster is not None
        assert roster.users is not None
        ends.append(
            ([(status(one), one.client.role) for one in phones], sorted(one.entity for one in roster.users.users))
        )
    assert ends[0] == ends[1]
