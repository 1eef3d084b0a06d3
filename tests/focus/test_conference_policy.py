"""What a Focus asks its policy, and what it makes of the decision."""

from __future__ import annotations

from typing import Any

import pytest
from commanding import Sender, dial_out
from focus_site import Site

from c3p import AddUser, ModifyConferenceLock
from c3p import ConferenceKeys as Keys
from focus import (
    Admission,
    Allowed,
    CommandQuestion,
    ConferencePolicy,
    ConferenceRules,
    Decision,
    DialOutQuestion,
    JoinFailed,
    JoinQuestion,
    PresentQuestion,
    Refusal,
    refusal,
)
from sip import AddressOfRecord, Pending

BOB = "sip:bob@example.com"


class Asked(ConferencePolicy):
    """Remembers its questions, and answers as told; else as the rules do."""

    def __init__(self, decision: Any = None, join: Any = None) -> None:
        self.decision, self.join, self.questions = decision, join, list[CommandQuestion]()

    def admit(self, question: JoinQuestion) -> Admission | Refusal | Pending:
        return self.join or ConferenceRules().admit(question)  # type: ignore[no-any-return]

    def authorise(self, question: CommandQuestion) -> Decision:
        self.questions.append(question)
        return self.decision or ConferenceRules().authorise(question)  # type: ignore[no-any-return]


def test_a_policy_of_the_application_is_asked_about_commands_and_its_word_counts() -> None:
    policy = Asked(refusal.NOT_AUTHORISED.saying("not on Sundays"))
    site = Site(policy=policy)
    site.mcu()
    conference, alice, _ = site.meeting()
    sender = Sender(site, alice, conference)
    assert sender.refused(dial_out(conference)) == (403, "3014")
    assert sender.refused(ModifyConferenceLock(conference_keys=Keys(conf_entity=conference), locked=True)) == (
        403,
        "3014",
    )
    dialled, locked = policy.questions
    assert isinstance(dialled, DialOutQuestion)
    assert (dialled.requester.role, dialled.called.text) == ("presenter", "sip:phone@example.org")
    assert isinstance(locked, PresentQuestion)
    assert locked.command == "modifyConferenceLock"
    policy.decision = Allowed()
    assert sender.refused(dial_out(conference)) == (202, None)


def test_a_policy_of_the_application_decides_who_joins() -> None:
    site = Site(policy=Asked(join=refusal.NOT_AUTHORISED))
    alice = site.client("alice")
    conference = site.created(alice)
    alice.client.join(conference, now=site.net.now)
    site.net.run()
    assert alice.node.last(JoinFailed).status == 403


@pytest.mark.parametrize("decision", ["yes", True, 1])
def test_what_is_no_decision_lets_nobody_do_anything(decision: object) -> None:
    site = Site(policy=Asked(decision))
    site.mcu()
    conference, alice, _ = site.meeting()
    assert Sender(site, alice, conference).refused(dial_out(conference)) == (403, "3014")


def test_an_attendee_has_its_own_phone_called_but_not_that_of_somebody_else_under_its_own_name() -> None:
    site = Site()
    mcu = site.mcu()
    conference, _, (bob,) = site.meeting("bob")
    attendee = Sender(site, bob, conference)
    for other in (
        "sip:carol@example.com",
        "sip:bob@example.org",
        "sip:bob@192.0.2.77",
        "sip:+19005550100@example.com",
        "sip:bob@example.com:7777",
        "sips:bob@example.com:5060",
        "sip:bob@example.com;maddr=192.0.2.77",
    ):
        assert attendee.refused(dial_out(conference, user=BOB, endpoint_uri=other)) == (403, "3015"), other
    assert mcu.commands(AddUser) == []
    for own in ("sip:BOB@example.com", "sip:bob@example.com:5060", "sips:bob@EXAMPLE.com:5061"):
        assert attendee.refused(dial_out(conference, user=BOB, endpoint_uri=own)) == (202, None), own


def test_an_attendee_has_a_phone_called_that_is_registered_for_it_or_a_number_which_the_mcu_judges() -> None:
    desk = AddressOfRecord.read("sip:bob@192.0.2.77:5070")
    rules = ConferenceRules(phone_of=lambda user, called: user.text == BOB and called.key == desk.key)
    for address in (desk.text, "tel:+15550100"):
        site = Site(policy=rules)
        site.mcu()
        conference, _, (bob,) = site.meeting("bob")
        command = dial_out(conference, user=BOB, endpoint_uri=address)
        assert Sender(site, bob, conference).refused(command) == (202, None)
