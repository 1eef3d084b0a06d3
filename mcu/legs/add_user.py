"""Who is to be added: the content of ``addUser`` (docs/commands.rst), checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import attrs

from c3p import AddUser, Endpoint, Filter, JoiningMethod, Request, Role, guid_key, is_known_stream
from mcu.conference import Conference
from mcu.events import LegId
from mcu.kind import Kind
from mcu.leg import Leg
from mcu.leg_state import LegLife, State
from mcu.policy import ROLES, Refusal, RefusalReason
from sip import AddressOfRecord, Replaces, SipError, Uri, same_user

MAX_NAME = 256  #: characters of a display name or GUID; more is no name
#: What can stand at the front of a Call-ID (RFC 3261 section 25.1, word) and in a line of a log.
_CORRELATION: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@attrs.frozen(kw_only=True)
class Participant:
    """What a command says of the participant that it adds."""

    user: AddressOfRecord
    originator: AddressOfRecord | None  #: who wants it, as the Focus authenticated it
    address: Uri  #: to call, or from which the call will come
    endpoint: str
    role: str
    joining_method: str
    display_name: str | None = None
    endpoint_uri: str | None = None
    replaces: Replaces | None = None  #: the dialog that the call takes over (RFC 3891)
    media_id: str = "1"
    ingress_blocked: bool = False
    egress_blocked: bool = False

    @classmethod
    def read(
        cls, request: Request, command: AddUser, kind: Kind, make_guid: Callable[[], str]
    ) -> Participant | Refusal:
        """Take the command apart for a kind of MCU; a ``Refusal`` when it cannot be carried out."""
        user = command.user
        endpoint = command.endpoint or Endpoint(joining_method=JoiningMethod.DIALED_OUT)
        refusal = _fault(command, endpoint)
        if refusal is not None:
            return refusal
        identity = AddressOfRecord.read(user.entity)
        address = AddressOfRecord.read(endpoint.endpoint_uri).uri if endpoint.endpoint_uri else identity.uri
        replaces: Replaces | None = None
        if endpoint.refer_to_uri:
            moved = _moved_call(endpoint.refer_to_uri)
            if isinstance(moved, Refusal):
                return moved
            address, replaces = moved
        if identity.uri is None or address is None:
            return Refusal(RefusalReason.TARGET, "not an address that can be called")
        stream = next((media for media in endpoint.media if media.type in (kind.media_type, None)), None)
        if endpoint.media and stream is None:
            return Refusal(RefusalReason.MEDIA, f"this MCU has {kind.media_type} only")
        return cls(
            user=identity,
            originator=None if request.originator is None else AddressOfRecord.read(request.originator),
            address=address,
            endpoint=endpoint.entity or make_guid(),
            role=user.roles[0] if user.roles else Role.ATTENDEE,
            joining_method=endpoint.joining_method or JoiningMethod.DIALED_OUT,
            display_name=user.display_text,
            endpoint_uri=endpoint.endpoint_uri,
            replaces=replaces,
            media_id=(stream.id if stream is not None else "") or "1",
            ingress_blocked=stream is not None and stream.ingress_filter == Filter.BLOCK,
            egress_blocked=stream is not None and stream.egress_filter == Filter.BLOCK,
        )

    @property
    def own(self) -> bool:
        """Whether somebody has itself added."""
        return self.originator is not None and same_user(self.originator, self.user)

    def is_endpoint(self, entity: str) -> bool:
        """Whether it is that endpoint of the roster."""
        return guid_key(entity) == guid_key(self.endpoint)

    def leg(self, number: LegId, conference: Conference, state: State, request: Request, *, now: float) -> Leg:
        """The leg of this participant, with the filters that its role starts with."""
        ingress, egress = conference.starts_blocked(self.role)
        return Leg(
            id=number,
            conference=conference,
            user=self.user.text,
            user_key=self.user.key,
            endpoint=self.endpoint,
            role=self.role,
            joining_method=self.joining_method,
            life=LegLife(state),
            created_at=now,
            display_name=self.display_name,
            endpoint_uri=self.endpoint_uri,
            replaces=self.replaces,
            originator=self.originator,
            request=request,
            correlation=correlation_of(request),
            media_id=self.media_id,
            ingress_blocked=ingress or self.ingress_blocked,
            egress_blocked=egress or self.egress_blocked,
        )


def _moved_call(text: str) -> tuple[Uri, Replaces | None] | Refusal:
    """The address of ``refer-to-uri``, and the call that the new one takes over: a Refer-To has both (RFC 3891)."""
    uri = AddressOfRecord.read(text).uri
    if uri is None:
        return Refusal(RefusalReason.TARGET, "refer-to-uri is not an address that can be called")
    headers = uri.headers if uri.scheme in ("sip", "sips") else ()
    if any(name.lower() != "replaces" for name, _ in headers) or len(headers) > 1:
        # Whoever sends a command says whom to call, and not what the INVITE has in it.
        return Refusal(RefusalReason.CONTENT, "refer-to-uri may have a Replaces header and no other")
    try:
        return uri.without_headers(), Replaces.parse(headers[0][1]) if headers else None
    except SipError:
        return Refusal(RefusalReason.CONTENT, "the Replaces header of refer-to-uri does not parse")


def correlation_of(request: Request) -> str:
    """The name that the Focus gave the command; empty without one, and for what no log could show."""
    name = request.correlation_id or ""
    return name if _CORRELATION.fullmatch(name) else ""


def _fault(command: AddUser, endpoint: Endpoint) -> Refusal | None:
    """What is wrong with the content, apart from addresses. A word that nobody knows is not taken for a default."""
    user = command.user
    if len(user.endpoints) > 1:
        return Refusal(RefusalReason.CONTENT, "one endpoint at most")
    if len(user.roles) > 1 or not ROLES.issuperset(user.roles):
        return Refusal(RefusalReason.ROLE, "presenter or attendee")
    if len(endpoint.entity) > MAX_NAME:
        return Refusal(RefusalReason.ENDPOINT_NAME, "endpoint entity too long")
    if len(user.display_text or "") > MAX_NAME:
        return Refusal(RefusalReason.CONTENT, "name too long")
    if endpoint.joining_method not in (None, JoiningMethod.DIALED_OUT, JoiningMethod.DIALED_IN):
        return Refusal(RefusalReason.CONTENT, "dialed-out or dialed-in")
    if not all(is_known_stream(media) for media in endpoint.media):
        return Refusal(RefusalReason.CONTENT, "filter or status that is not known")
    return None
