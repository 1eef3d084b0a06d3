"""C3P in SIP requests: reading what came, and the checks that every command passes first (C3P reference, 7)."""

from __future__ import annotations

import re
from typing import Final

import attrs

from c3p import (
    CCCP_TYPE,
    AddUser,
    EndorseUser,
    Endpoint,
    MalformedDocument,
    Reason,
    Request,
    Role,
    UnknownCommand,
    is_focus_uri,
    parse_document,
)
from focus import refusal
from focus.policy import ROLES
from focus.refusal import Refusal
from sip import AddressOfRecord, ConferenceAddress, Uri, body_of, refusal_of_body, same_user
from sip import Request as SipRequest

#: A GUID, with or without braces (C3P reference, 2.3).
_GUID: Final = re.compile(r"(\{)?+[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?(1)\})")

#: What phones offer.
_SDP: Final = "application/sdp"
#: What XML 1.0 has no way to write (section 2.2), surrogates that stand for undecodable bytes among it.
_ILLEGIBLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Characters of a requestId that are kept for repetitions; a number of 11 digits is the longest that was ever seen.
_LONGEST_ID: Final = 64


class Refused(Exception):
    """A request that is not carried out; `document` is what could be read of it. Never leaves this package."""

    def __init__(self, refusal: Refusal, document: Request | None = None) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal
        self.document = document


@attrs.frozen(kw_only=True)
class Join:
    """An INVITE that wants to join a conference (C3P reference, 7.1)."""

    document: Request
    user: AddressOfRecord  #: the joining user, authenticated
    endpoint: Endpoint
    wish: str | None  #: role asked for
    display_text: str | None

    @property
    def lobby_capable(self) -> bool:
        """Whether the client can wait."""
        return self.endpoint.client_info is not None and self.endpoint.client_info.lobby_capable is True


def legible(text: str | None) -> str | None:
    """Text of a SIP header for a document; None when XML cannot carry it."""
    return text if text and _ILLEGIBLE.search(text) is None else None


def read_request(request: SipRequest) -> Request:
    """The C3P request in a body. Raises Refused: 3006, or 3004 for a command that nobody knows."""
    body, refused = body_of(request, CCCP_TYPE), refusal_of_body(request, (CCCP_TYPE,))
    if refused is not None and "Content-Type" in request.headers and (body or request.content_type == CCCP_TYPE):
        # The command is there, but so is something without which it must not be carried out (RFC 5621 section 8.4).
        raise Refused(Refusal(refused.status, None, "The body is not understood", Reason.NOT_SUPPORTED))
    if not body:
        raise Refused(refusal.UNPARSEABLE)
    try:
        document = parse_document(body)
    except MalformedDocument as error:
        raise Refused(refusal.of_malformed(error)) from error
    if not isinstance(document, Request) or document.more or len(document.request_id) > _LONGEST_ID:
        raise Refused(refusal.UNPARSEABLE, document if isinstance(document, Request) else None)
    if isinstance(document.command, UnknownCommand):
        raise Refused(refusal.NOT_IMPLEMENTED, document)
    return document


def asks_nothing(request: SipRequest) -> bool:
    """Whether there is only a body in it that need not be understood (RFC 3261 section 20.11)."""
    return bool(request.body) and not body_of(request, CCCP_TYPE) and refusal_of_body(request, (CCCP_TYPE,)) is None


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


def read_join(request: SipRequest, *, identity: AddressOfRecord | None, conference: ConferenceAddress) -> Join:
    """The addUser of a joining INVITE. Raises Refused."""
    try:
        document = read_request(request)
    except Refused as refused:
        called = _called_by_a_phone(request) if refused.refusal is refusal.UNPARSEABLE else None
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
