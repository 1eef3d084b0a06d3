"""Which function plans which command: a row for each command that the Focus knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from c3p import (
    AddUser,
    Command,
    DeleteConference,
    DeleteUser,
    GetConference,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpoint,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Request,
    SetLobbyAccess,
)
from focus import refusal
from focus.commands.add_user import plan_add_user
from focus.commands.delete_conference import plan_delete_conference
from focus.commands.delete_user import plan_delete_user
from focus.commands.get_conference import plan_get_conference
from focus.commands.modify_conference import plan_modify_conference
from focus.commands.modify_conference_announcements import plan_modify_conference_announcements
from focus.commands.modify_conference_lock import plan_modify_conference_lock
from focus.commands.modify_endpoint import plan_modify_endpoint
from focus.commands.modify_endpoint_media import plan_modify_endpoint_media
from focus.commands.modify_user_roles import plan_modify_user_roles
from focus.commands.plan import Facts, Plan
from focus.commands.set_lobby_access import plan_set_lobby_access
from focus.refusal import Refused

#: A planner checks the command in a request against the facts, and says what it takes. It raises Refused.
PLANNERS: Final[Mapping[type[Command], Callable[[Any, Request, Facts], Plan]]] = {
    AddUser: plan_add_user,
    DeleteUser: plan_delete_user,
    ModifyUserRoles: plan_modify_user_roles,
    ModifyConferenceLock: plan_modify_conference_lock,
    ModifyEndpoint: plan_modify_endpoint,
    ModifyEndpointMedia: plan_modify_endpoint_media,
    ModifyConference: plan_modify_conference,
    ModifyConferenceAnnouncements: plan_modify_conference_announcements,
    SetLobbyAccess: plan_set_lobby_access,
    GetConference: plan_get_conference,
    DeleteConference: plan_delete_conference,
}


def plan(document: Request, facts: Facts) -> Plan:
    """Check a command and say what it takes. Raises Refused."""
    planner = PLANNERS.get(type(document.command))
    if planner is None:
        raise Refused(refusal.NOT_IMPLEMENTED, document)
    return planner(document.command, document, facts)
