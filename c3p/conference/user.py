"""Users, their endpoints and media (RFC 4575 sections 5.6 and 5.7)."""

from __future__ import annotations

from typing import Annotated

import attrs

from c3p.binding.fields import Attribute, Child, Children, Kind, Text, Texts
from c3p.binding.node import Node
from c3p.conference.uri_entry import UriEntry
from c3p.namespaces import CI, MSCI, MSCI2, MSCP
from c3p.uris import shown
from c3p.vocabulary import SessionType, Status


def full_by_default(state: str | None) -> str:
    """A missing ``state`` is ``full`` (RFC 4575 section 4.4), so the two compare equal."""
    return "full" if state is None else state


@attrs.frozen(kw_only=True, slots=False)
class ExecutionInfo(Node):
    """``joining-info``, ``disconnection-info``, ``referred``: when, why and by whom (RFC 4575 section 5.7)."""

    when: Annotated[str | None, Text(CI, "when")] = None  #: xs:dateTime, UTC
    reason: Annotated[str | None, Text(CI, "reason", Kind.TEXT)] = None
    by: Annotated[str | None, Text(CI, "by")] = None  #: URI of who did it


@attrs.frozen(kw_only=True, slots=False)
class Media(Node):
    """One stream of an endpoint (RFC 4575 section 5.8). Key: ``id``."""

    id: Annotated[str, Attribute("id")] = ""
    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    type: Annotated[str | None, Text(CI, "type")] = None
    label: Annotated[str | None, Text(CI, "label")] = None
    src_id: Annotated[int | None, Text(CI, "src-id", Kind.UINT)] = None  #: SSRC
    status: Annotated[str | None, Text(CI, "status")] = None  #: from the endpoint's side: recvonly = muted
    ingress_filter: Annotated[str | None, Text(MSCI, "media-ingress-filter")] = None  #: absent = unblock
    egress_filter: Annotated[str | None, Text(MSCI, "media-egress-filter")] = None  #: absent = unblock
    media_state: Annotated[str | None, Text(MSCI, "media-state")] = None
    media_source_id: Annotated[int | None, Text(MSCI, "media-source-id", Kind.UINT, 3)] = None
    source_name: Annotated[str | None, Text(MSCI, "source-name", Kind.TEXT, 3)] = None


@attrs.frozen(kw_only=True, slots=False)
class SipDialogInfo(Node):
    """``call-info/sip``: the dialog of an endpoint; servers leave the values empty for privacy."""

    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    call_id: Annotated[str | None, Text(CI, "call-id")] = None
    from_tag: Annotated[str | None, Text(CI, "from-tag")] = None
    to_tag: Annotated[str | None, Text(CI, "to-tag")] = None


@attrs.frozen(kw_only=True, slots=False)
class CallInfo(Node):
    """``call-info`` of an endpoint."""

    sip: Annotated[SipDialogInfo | None, Child(CI, "sip")] = None


@attrs.frozen(kw_only=True, slots=False)
class ClientInfo(Node):
    """``msci:clientInfo``: what a focus endpoint can do."""

    lobby_capable: Annotated[bool | None, Text(MSCI2, "lobby-capable", Kind.BOOLEAN, 1)] = None


@attrs.frozen(kw_only=True, slots=False)
class EndpointCapabilities(Node):
    """``msci:endpoint-capabilities``: a child that depends on the session type, kept in ``extra``."""


@attrs.frozen(kw_only=True, slots=False)
class Endpoint(Node):
    """One attachment of a user to the Focus or to an MCU (RFC 4575 section 5.7). Key: ``entity``, a GUID."""

    entity: Annotated[str, Attribute("entity")] = ""
    state: Annotated[str | None, Attribute("state")] = attrs.field(default=None, eq=full_by_default)
    session_type: Annotated[str | None, Attribute("session-type", MSCI)] = None
    epid: Annotated[str | None, Attribute("epid", MSCI)] = None
    endpoint_uri: Annotated[str | None, Attribute("endpoint-uri", MSCI)] = attrs.field(default=None, repr=shown)
    refer_to_uri: Annotated[str | None, Attribute("refer-to-uri", MSCI)] = None
    asserted_identity: Annotated[str | None, Attribute("asserted-identity", MSCI)] = None
    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    referred: Annotated[ExecutionInfo | None, Child(CI, "referred")] = None
    status: Annotated[str | None, Text(CI, "status")] = None
    joining_method: Annotated[str | None, Text(CI, "joining-method")] = None
    joining_info: Annotated[ExecutionInfo | None, Child(CI, "joining-info")] = None
    disconnection_method: Annotated[str | None, Text(CI, "disconnection-method")] = None
    disconnection_info: Annotated[ExecutionInfo | None, Child(CI, "disconnection-info")] = None
    media: Annotated[tuple[Media, ...], Children(CI, "media")] = ()
    call_info: Annotated[CallInfo | None, Child(CI, "call-info")] = None
    roles: Annotated[tuple[str, ...], Texts(CI, "entry", wrapper=(MSCI, "roles"))] = ()  #: as the MCU knows them
    auth_method: Annotated[str | None, Text(MSCI, "authMethod")] = None
    access_method: Annotated[str | None, Text(MSCI, "accessMethod")] = None
    endpoint_capabilities: Annotated[EndpointCapabilities | None, Child(MSCI, "endpoint-capabilities")] = None
    session_on_behalf_of: Annotated[str | None, Text(MSCI, "session-on-behalf-of")] = None
    languages: Annotated[str | None, Text(MSCI, "languages", Kind.TOKEN, 1)] = None
    client_info: Annotated[ClientInfo | None, Child(MSCI, "clientInfo", 1)] = None
    #: Of a caller whom an MCU asks for the passcode: how many were wrong (of this project). From MCU to Focus.
    wrong_passcodes: Annotated[int | None, Text(MSCP, "wrong-passcodes", Kind.UINT)] = None


@attrs.frozen(kw_only=True, slots=False)
class User(Node):
    """One participant (RFC 4575 section 5.6). Key: ``entity``, a SIP URI."""

    entity: Annotated[str, Attribute("entity")] = attrs.field(default="", repr=shown)
    state: Annotated[str | None, Attribute("state")] = attrs.field(default=None, eq=full_by_default)
    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    associated_aors: Annotated[tuple[UriEntry, ...], Children(CI, "entry", wrapper=(CI, "associated-aors"))] = ()
    roles: Annotated[tuple[str, ...], Texts(CI, "entry", wrapper=(CI, "roles"))] = ()
    languages: Annotated[str | None, Text(CI, "languages")] = None  #: language tags separated by blanks
    cascaded_focus: Annotated[str | None, Text(CI, "cascaded-focus")] = None
    endpoints: Annotated[tuple[Endpoint, ...], Children(CI, "endpoint")] = ()

    @property
    def in_lobby(self) -> bool:
        """Whether it waits to be let in: every Focus endpoint of it is on hold (conference-info.md section 3.4.1)."""
        waiting = [one.status == Status.ON_HOLD for one in self.endpoints if one.session_type == SessionType.FOCUS]
        return bool(waiting) and all(waiting)
