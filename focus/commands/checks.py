"""Checks that several commands share, in the words of the protocol; each raises Refused."""

from __future__ import annotations

import re
from typing import Final

from c3p import C3PError, Command, Endpoint, Request, Role, SessionType, focus_uri_of, is_focus_uri, mcu_type_of
from focus import refusal
from focus.commands.plan import Facts
from focus.policy import ROLES
from focus.refusal import Refusal, Refused
from sip import AddressOfRecord, ConferenceAddress, Uri

#: A GUID, with or without braces (MS-CONFBAS).
_GUID: Final = re.compile(r"(\{)?+[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?(1)\})")

_CALLABLE: Final = frozenset({"sip", "sips", "tel"})


def check_ends(document: Request, *, identity: AddressOfRecord, to: Uri) -> None:
    """`from` is the sender and `to` the URI of the To header. Raises Refused: 3000, 3001."""
    if not identity.is_named_by(document.from_):
        raise Refused(refusal.BAD_FROM, document)
    if not ConferenceAddress.of(to).is_named_by(document.to):
        raise Refused(refusal.BAD_TO, document)


def check_entity(entity: str | None, conference: ConferenceAddress, document: Request) -> None:
    """The conference that a command is about is this one. Raises Refused: 3012 for no conference, 3003 for another."""
    if not entity or not is_focus_uri(entity):
        raise Refused(refusal.UNKNOWN_CONFERENCE, document)
    if not conference.is_named_by(entity):
        raise Refused(refusal.INVALID_ENTITY, document)


def check_endpoint(endpoint: Endpoint, document: Request) -> None:
    """The endpoint of an addUser. Raises Refused: 3008, 3009."""
    if endpoint.access_method or endpoint.auth_method:
        raise Refused(refusal.BAD_ACCESS_METHOD, document)
    if _GUID.fullmatch(endpoint.entity.strip()) is None:
        raise Refused(refusal.BAD_ENDPOINT, document)


def role_in(roles: tuple[str, ...], document: Request) -> str | None:
    """The one role that is named. Raises Refused: 3016."""
    if not roles:
        return None
    if len(roles) > 1 or roles[0].strip() not in ROLES:
        raise Refused(refusal.INVALID_ROLE, document)
    return Role(roles[0].strip()).value


def insist(denied: Refusal | None, document: Request) -> None:
    """Who may do it was asked before: `denied` is the answer. Raises Refused."""
    if denied is not None:
        raise Refused(denied, document)


def mcu_type_in(command: Command, document: Request, facts: Facts) -> str:
    """The media type that mcuUri names: 404 / 3013 for another conference's, 603 for a type that is not enabled.

    Raises Refused.
    """
    uri = command.mcu_uri or ""
    mcu_type = mcu_type_of(uri)
    try:
        own = facts.roster.address.is_named_by(focus_uri_of(uri))
    except C3PError:
        own = False
    if not own:
        raise Refused(refusal.INVALID_MCU, document)
    if mcu_type is None:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)
    if mcu_type not in facts.record.mcu_types:
        raise Refused(refusal.MCU_NOT_ENABLED, document)
    return mcu_type


def check_no_mcu(command: Command, document: Request) -> None:
    """The command is for the Focus. Raises Refused for one that names an MCU."""
    if command.mcu_uri is not None:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)


def is_callable(address: AddressOfRecord) -> bool:
    """Whether an MCU can call it."""
    uri = address.uri
    return uri is not None and uri.scheme in _CALLABLE and bool(uri.host or uri.opaque_part)


def is_sip(user: AddressOfRecord) -> bool:
    """Whether a user has a domain, and is no mere number."""
    return user.uri is not None and user.uri.scheme in ("sip", "sips")


def check_exists(user: AddressOfRecord, document: Request, facts: Facts) -> None:
    """The user is in the conference, or is being called into it. Raises Refused where not."""
    if facts.roster.find(user) is None and user.key not in facts.dialling:
        raise Refused(refusal.INVALID_TARGET, document)


def mcus_of(user: AddressOfRecord, facts: Facts) -> list[str]:
    """The MCU types that have an endpoint of a user."""
    found = facts.roster.find(user)
    held = [one.session_type for one in found.endpoints.values()] if found is not None else []
    held += sorted(facts.dialling.get(user.key, ()))
    return [kind for kind in dict.fromkeys(held) if kind and kind != SessionType.FOCUS and kind in facts.linked]
