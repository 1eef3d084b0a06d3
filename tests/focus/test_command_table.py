"""A command is a class, a planner with its effect, and a row: nothing else of the Focus has to know of it."""

from __future__ import annotations

import attrs
import pytest
from commanding import Sender, keys
from focus_site import Site

from c3p import EndpointKeys, ModifyEndpoint, Request
from focus import CommandFinished, policy
from focus.commands import table
from focus.commands.checks import check_entity, check_exists, insist
from focus.commands.plan import Activation, Facts, Plan
from focus.mcus.relay import ClientCommand
from sip import AddressOfRecord


@attrs.frozen
class Promote:
    """The owner of an endpoint presents."""

    user: AddressOfRecord

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> None:
        """Show it in the roster."""
        conference.roster.set_role(self.user, policy.PRESENTER)


def plan_promotion(command: ModifyEndpoint, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    asked = command.endpoint_keys
    check_entity(asked.conf_entity if asked is not None else None, facts.roster.address, document)
    assert asked is not None
    user = AddressOfRecord.read(asked.user_entity)
    check_exists(user, document, facts)
    insist(policy.authorise_presenter(facts.requester), document)
    return Plan(effect=Promote(user))


def test_a_row_is_all_that_a_new_command_of_the_focus_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")

    def promote(who: str) -> ModifyEndpoint:
        named = keys(conference, who)
        asked = EndpointKeys(conf_entity=named.conf_entity, user_entity=named.user_entity, endpoint_entity="{1}")
        return ModifyEndpoint(endpoint_keys=asked)

    monkeypatch.delitem(table.PLANNERS, ModifyEndpoint)  # type: ignore[arg-type]
    presenter, attendee = Sender(site, alice, conference), Sender(site, bob, conference)
    assert presenter.refused(promote("sip:bob@example.com")) == (501, "3004")
    monkeypatch.setitem(table.PLANNERS, ModifyEndpoint, plan_promotion)  # type: ignore[arg-type]
    assert attendee.refused(promote("sip:bob@example.com")) == (403, "3014")
    assert presenter.refused(promote("sip:nobody@example.com")) == (404, "3002")
    assert presenter.refused(promote("sip:BOB@example.com")) == (200, None)
    shown = alice.user("sip:bob@example.com")
    assert shown is not None
    assert shown.roles == ("presenter",)
    assert site.node.last(CommandFinished).command == "modifyEndpoint"
