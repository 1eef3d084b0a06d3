"""setLobbyAccess: who waits is let in, or sent away (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import LobbyAccess, Request, SetLobbyAccess
from focus import refusal
from focus.commands.authorisation import check_presents
from focus.commands.checks import check_entity, check_no_mcu
from focus.commands.plan import Activation, Facts, Plan
from focus.mcus.relay import ClientCommand
from focus.refusal import Refused
from sip import AddressOfRecord


@attrs.frozen
class Lobby:
    """Let users in, or send them away."""

    users: tuple[AddressOfRecord, ...]
    granted: bool

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> None:
        """Let everybody named in, or end their dialogs."""
        for user in self.users:
            waits = conference.roster.find(user)
            if self.granted:
                conference.let_in(user)
            elif waits is not None and waits.in_lobby:
                conference.eject(user, now=now)


def plan_set_lobby_access(command: SetLobbyAccess, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    check_no_mcu(command, document)
    if not command.user_entities or command.access not in (LobbyAccess.GRANTED, LobbyAccess.DENIED):
        raise Refused(refusal.UNPARSEABLE, document)
    users = tuple(AddressOfRecord.read(entity) for entity in command.user_entities)
    for address in users:
        user = facts.roster.find(address)
        if user is None or not (user.in_lobby or user.at_doors):
            raise Refused(refusal.INVALID_TARGET, document)
    check_presents(document, facts)
    effect = Lobby(users, command.access == LobbyAccess.GRANTED)
    at_doors = {user.key: found.at_doors for user in users if (found := facts.roster.find(user)) is not None}
    # An MCU is told of those alone whose phones wait there.
    for_mcus = tuple(
        (kind, attrs.evolve(command, user_entities=tuple(user.text for user in users if kind in at_doors[user.key])))
        for kind in sorted({kind for kinds in at_doors.values() for kind in kinds})
    )
    return Plan(effect=effect, for_mcus=for_mcus, everywhere=len(for_mcus) > 1, agreed=len(for_mcus) > 1)
