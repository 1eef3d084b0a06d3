"""The commands of C3P, one module each (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from c3p.commands.add_conference import AddConference
from c3p.commands.add_user import AddUser, EntryCheck
from c3p.commands.command import Command, UnknownCommand
from c3p.commands.delete_conference import DeleteConference
from c3p.commands.delete_user import DeleteUser
from c3p.commands.endorse_user import EndorseUser
from c3p.commands.get_available_mcu_types import GetAvailableMcuTypes
from c3p.commands.get_conference import GetConference
from c3p.commands.get_conferences import GetConferences
from c3p.commands.get_conferencing_capabilities import (
    AccessNumber,
    AccessNumbers,
    GetConferencingCapabilities,
    PstnBridging,
    Region,
)
from c3p.commands.get_encryption_key import GetEncryptionKey
from c3p.commands.get_mcu_health import GetMcuHealth
from c3p.commands.modify_conference import ModifyConference
from c3p.commands.modify_conference_announcements import ModifyConferenceAnnouncements
from c3p.commands.modify_conference_lock import ModifyConferenceLock
from c3p.commands.modify_endpoint import ModifyEndpoint
from c3p.commands.modify_endpoint_media import ModifyEndpointMedia
from c3p.commands.modify_user_roles import ModifyUserRoles
from c3p.commands.register_mcu import RegisterMcu
from c3p.commands.set_lobby_access import SetLobbyAccess

#: Class of each command, by element name.
COMMANDS: Final[Mapping[str, type[Command]]] = MappingProxyType(
    {
        command.NAME: command
        for command in (
            AddConference,
            AddUser,
            DeleteConference,
            DeleteUser,
            EndorseUser,
            GetAvailableMcuTypes,
            GetConference,
            GetConferences,
            GetConferencingCapabilities,
            GetEncryptionKey,
            GetMcuHealth,
            ModifyConference,
            ModifyConferenceAnnouncements,
            ModifyConferenceLock,
            ModifyEndpoint,
            ModifyEndpointMedia,
            ModifyUserRoles,
            RegisterMcu,
            SetLobbyAccess,
        )
    }
)

__all__ = [
    "COMMANDS",
    "AccessNumber",
    "AccessNumbers",
    "AddConference",
    "AddUser",
    "Command",
    "DeleteConference",
    "DeleteUser",
    "EndorseUser",
    "EntryCheck",
    "GetAvailableMcuTypes",
    "GetConference",
    "GetConferences",
    "GetConferencingCapabilities",
    "GetEncryptionKey",
    "GetMcuHealth",
    "ModifyConference",
    "ModifyConferenceAnnouncements",
    "ModifyConferenceLock",
    "ModifyEndpoint",
    "ModifyEndpointMedia",
    "ModifyUserRoles",
    "PstnBridging",
    "Region",
    "RegisterMcu",
    "SetLobbyAccess",
    "UnknownCommand",
]
