"""The XML schemas that ship with this package, in ``c3p/schemas``: one file for each namespace."""

from __future__ import annotations

from typing import Final

from c3p.binding.node import Node
from c3p.binding.schema import Plan, Schemas, Vocabulary, driver
from c3p.commands import COMMANDS
from c3p.composing import Composing
from c3p.conference.info import ConferenceInfo
from c3p.conferencing_invite import ConferencingInvite
from c3p.delivery_report import DeliveryReport
from c3p.envelope import Notify, Request, Response
from c3p.namespaces import CCCP, CI, CIS, MSAV, MSCI, MSCI2, MSCP, MSMCU
from c3p.provisioning import Provisioning, ProvisioningQuestion
from c3p.vocabulary import (
    AccessMethod,
    AdmissionPolicy,
    AuthMethod,
    Code,
    CommandReason,
    DisconnectionMethod,
    Filter,
    JoiningMethod,
    LobbyAccess,
    McuType,
    MediaLabel,
    MediaStatus,
    MediaType,
    Reason,
    Role,
    SessionType,
    State,
    Status,
    VideoMode,
)

#: The schema that takes in all the others.
DRIVER: Final = "c3p.xsd"
_IMDN: Final = "http://schemas.microsoft.com/rtc/2005/08/imdn"
_COMPOSING: Final = "urn:ietf:params:xml:ns:im-iscomposing"
_ASKING: Final = "http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist"
_TELLING: Final = "http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification"

_NAMESPACES: Final = {
    CCCP: ("cccp.xsd", "cccp"),
    MSCP: ("cccp-extensions.xsd", "mscp"),
    CI: ("conference-info.xsd", "ci"),
    CIS: ("conference-info-separator.xsd", "cis"),
    MSCI: ("conference-info-extensions.xsd", "msci"),
    MSCI2: ("conference-info-extensions-2008.xsd", "msci2"),
    MSMCU: ("common-mcu-extensions.xsd", "msmcu"),
    MSAV: ("audio-video-extensions.xsd", "msav"),
    _IMDN: ("delivery-report.xsd", "imdn"),
    _COMPOSING: ("im-iscomposing.xsd", "imc"),
    _ASKING: ("provisioning-question.xsd", "ask"),
    _TELLING: ("provisioning.xsd", "tell"),
    "": ("conf-invite.xsd", ""),
}
_COMMANDS: Final = tuple((CCCP, name) for name in COMMANDS)
_ROOTS: Final[dict[tuple[str, str], type[Node]]] = {
    (CCCP, "request"): Request,
    (CCCP, "response"): Response,
    (CCCP, "notify"): Notify,
    **{(CCCP, name): command for name, command in COMMANDS.items()},
    (CI, "conference-info"): ConferenceInfo,
    ("", "Conferencing"): ConferencingInvite,
    (_IMDN, "imdn"): DeliveryReport,
    (_COMPOSING, "isComposing"): Composing,
    (_ASKING, "provisioningGroupList"): ProvisioningQuestion,
    (_TELLING, "provisionGroupList"): Provisioning,
}
_WORDS: Final[dict[tuple[str, str], Vocabulary | None]] = {
    ("*", "state"): Vocabulary(words=State, open=False),
    ("*", "conf_uris_state"): Vocabulary(words=State, open=False),
    ("*", "service_uris_state"): Vocabulary(words=State, open=False),
    ("*", "uris_state"): Vocabulary(words=State, open=False),
    ("Response", "code"): Vocabulary(words=Code, open=False),
    ("Response", "reason"): Vocabulary(words=Reason),
    ("Command", "reason"): Vocabulary(words=CommandReason),
    ("*", "roles"): Vocabulary(words=Role),
    ("*", "role"): Vocabulary(words=Role),
    ("Endpoint", "status"): Vocabulary(words=Status),
    ("Endpoint", "session_type"): Vocabulary(words=SessionType),
    ("Endpoint", "joining_method"): Vocabulary(words=JoiningMethod),
    ("Endpoint", "disconnection_method"): Vocabulary(words=DisconnectionMethod),
    ("Endpoint", "auth_method"): Vocabulary(words=AuthMethod),
    ("Endpoint", "access_method"): Vocabulary(words=AccessMethod),
    ("Media", "status"): Vocabulary(words=MediaStatus),
    ("MediaEntry", "status"): Vocabulary(words=MediaStatus),
    ("*", "type"): Vocabulary(words=MediaType),
    ("*", "label"): Vocabulary(words=MediaLabel),
    ("*", "ingress_filter"): Vocabulary(words=Filter),
    ("*", "egress_filter"): Vocabulary(words=Filter),
    ("*", "admission_policy"): Vocabulary(words=AdmissionPolicy),
    ("*", "mcu_type"): Vocabulary(words=McuType),
    ("*", "mcu_types"): Vocabulary(words=McuType),
    ("SetLobbyAccess", "access"): Vocabulary(words=LobbyAccess),
    ("VideoParameters", "video_mode"): Vocabulary(words=VideoMode),
    ("Composing", "state"): None,  # not those of RFC 4575
}


def schema_files() -> dict[str, bytes]:
    """Name and content of every schema file, made from the document classes: what ``c3p/schemas`` has."""
    plan = Plan(
        namespaces=_NAMESPACES,
        roots=_ROOTS,
        contents={Request: "one", Response: "any"},
        choices=_COMMANDS,
        words=_WORDS,
        separator=(CIS, "separator"),
    )
    made = Schemas(plan).files()
    return {**made, DRIVER: driver((namespace, name) for namespace, (name, _) in _NAMESPACES.items())}
