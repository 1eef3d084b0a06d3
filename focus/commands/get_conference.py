"""getConference: the whole conference, as far as the sender may see it (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import GetConference, Request
from focus.commands.checks import check_entity, check_no_mcu
from focus.commands.plan import Activation, Facts, Plan
from focus.mcus.relay import ClientCommand
from focus.roster_document import lobby_document, whole_document


@attrs.frozen
class Describe:
    """Answer with the conference; to a user in the lobby (key) with what that one may see."""

    asked: GetConference
    only: str | None

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> GetConference:
        """Put it into the command."""
        roster, only = conference.roster, self.only
        whole = whole_document(roster) if only is None else lobby_document(roster, only)
        return attrs.evolve(self.asked, conference_info=whole)


def plan_get_conference(command: GetConference, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    keys = command.conference_keys
    check_entity(keys.conf_entity if keys is not None else None, facts.roster.address, document)
    check_no_mcu(command, document)
    only = facts.requester.user.key if facts.requester.in_lobby else None
    return Plan(effect=Describe(command, only))
