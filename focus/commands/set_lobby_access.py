"""setLobbyAccess: who waits is let in, or sent away (C3P reference, 7.12)."""

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
            if self.granted:
                conference.let_in(user)
            else:
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
        if user is None or not user.in_lobby:
            raise Refused(refusal.INVALID_TARGET, document)
    check_presents(document, facts)
    return Plan(effect=Lobby(users, command.access == LobbyAccess.GRANTED))
