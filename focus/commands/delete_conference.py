"""deleteConference: the activation ends; the record stays (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import DeleteConference, Request
from focus.commands.authorisation import check_presents
from focus.commands.checks import check_entity, check_no_mcu
from focus.commands.plan import Activation, Facts, Plan
from focus.events import EndReason
from focus.mcus.relay import ClientCommand


@attrs.frozen
class EndConference:
    """The conference is over."""

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> None:
        """End the activation."""
        conference.end(EndReason.ENDED_BY_PRESENTER, by=command, now=now)


def plan_delete_conference(command: DeleteConference, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    check_no_mcu(command, document)
    check_presents(document, facts)
    return Plan(effect=EndConference(), later=True)
