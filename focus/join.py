"""The INVITE that joins a conference: an addUser for oneself (docs/commands.rst)."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import AddUser, EndorseUser, Endpoint, Request, legible
from focus import refusal
from focus.commands.checks import check_endpoint, check_ends, check_entity, role_in
from focus.commands.requests import read_request
from focus.refusal import Refusal, Refused
from sip import AddressOfRecord, ConferenceAddress, body_of, same_user
from sip import Request as SipRequest

#: What phones offer.
_SDP: Final = "application/sdp"


@attrs.frozen(kw_only=True)
class Join:
    """An INVITE that wants to join a conference (docs/commands.rst)."""

    document: Request
    user: AddressOfRecord  #: the joining user, authenticated
    endpoint: Endpoint
    wish: str | None  #: role asked for
    display_text: str | None

    @property
    def lobby_capable(self) -> bool:
        """Whether the client can wait."""
        return self.endpoint.client_info is not None and self.endpoint.client_info.lobby_capable is True


def if_legible(text: str | None) -> str | None:
    """Text of a SIP header for a document; None when XML cannot carry it, since what is altered names another."""
    return text if text and legible(text) == text else None


def read_join(request: SipRequest, *, identity: AddressOfRecord | None, conference: ConferenceAddress) -> Join:
    """The addUser of a joining INVITE. Raises Refused."""
    try:
        document = read_request(request)
    except Refused as refused:
        called = _called_by_a_phone(request) if refused.refusal in (refusal.UNPARSEABLE, refusal.NOT_C3P) else None
        raise (refused if called is None else Refused(called)) from None
    if identity is None:
        raise Refused(refusal.BAD_FROM, document)
    check_ends(document, identity=identity, to=request.to.uri)
    command = document.command
    if isinstance(command, EndorseUser) or not isinstance(command, AddUser):
        raise Refused(refusal.NOT_IMPLEMENTED, document)
    check_entity(command.conference_keys.conf_entity, conference, document)
    if command.mcu_uri is not None:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)
    user = AddressOfRecord.read(command.user.entity)
    if not same_user(user, identity) or len(command.user.endpoints) != 1:
        raise Refused(refusal.BAD_ADD_USER, document)
    endpoint = command.user.endpoints[0]
    check_endpoint(endpoint, document)
    return Join(
        document=document,
        user=user,
        endpoint=endpoint,
        wish=role_in(command.user.roles, document),
        display_text=command.user.display_text,
    )


def _called_by_a_phone(request: SipRequest) -> Refusal | None:
    """What an INVITE without a C3P document is told when it is a phone's: it offers media, or leaves that to us."""
    if not request.body:
        return refusal.CALLED_BY_A_PHONE
    return refusal.CALLED_WITH_SDP if body_of(request, _SDP) else None
