"""SIP without I/O: messages, transactions, dialogs, sessions and subscriptions (RFC 3261 and its relatives)."""

from __future__ import annotations

# Messages
from sip.bodies import BodyRefusal, body_of, refusal_of_body
from sip.challenge import AuthenticationInfo, Authorization, Challenge
from sip.config import EndpointConfig, Listen
from sip.content_disposition import ContentDisposition
from sip.content_type import ContentType
from sip.cseq import CSeq
from sip.date import Date, Timestamp
from sip.defects import Defect
from sip.digest import Credentials
from sip.digest_server import CredentialStore, DigestConfig, PasswordStore
from sip.endpoint import Endpoint
from sip.entropy import Entropy, SeededEntropy
from sip.errors import LimitExceeded, LocalProtocolError, MalformedHeader, RemoteProtocolError, SipError
from sip.event import EventPackage
from sip.events import (
    AckReceived,
    CancelReceived,
    ConnectWanted,
    EndCause,
    Event,
    FailureCause,
    FlowClosed,
    FlowLost,
    InviteReceived,
    NotifyFailed,
    NotifyReceived,
    PrackReceived,
    ProvisionalReceived,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResolveWanted,
    ResponseReceived,
    ServerTransactionEnded,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionFlowLost,
    SessionProgressed,
    SessionRedirected,
    SessionRefreshed,
    SubscribeReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionRestarted,
    UpdateReceived,
)
from sip.faults import InternalFault
from sip.flow import Address, Destination, Flow, Transmit
from sip.grammar import refuse, tolerate
from sip.headers import Headers
from sip.ids import RequestId, SessionId, SubscriptionId, TransactionId, WantId
from sip.limits import DEFAULT_LIMITS, Limits
from sip.location import Binding
from sip.message import Message
from sip.ms_diagnostics import MsDiagnostics
from sip.ms_keep_alive import MsKeepAlive
from sip.multipart import Multipart, Part, body_parts, find_part
from sip.name_addr import STAR, NameAddr, Star
from sip.parameterised import Parameterised
from sip.params import Params
from sip.parsing import parse_message
from sip.privacy import Privacy
from sip.proxy import Proxy, ProxyConfig
from sip.pump import Core, Pump
from sip.rack import RAck
from sip.reason import Reason
from sip.reasons import REASONS
from sip.registrar import BindingsChanged, Registrar, RegistrarConfig
from sip.replaces import Join, Replaces, TargetDialog
from sip.request import Request
from sip.response import Response
from sip.retry_after import RetryAfter
from sip.routing import Claim, Routing
from sip.session.joining import Joining
from sip.session.replacing import Replacement
from sip.session.tables import SessionState
from sip.session.view import SessionView
from sip.session_expires import MinSE, SessionExpires
from sip.stream import Keepalive, StreamParser
from sip.subscription_state import SubscriptionState
from sip.trace import TraceSink
from sip.uri import Uri, aor_key, conference_key
from sip.via import Via
from sip.warning import Warning

__all__ = [
    "DEFAULT_LIMITS",
    "REASONS",
    "STAR",
    "AckReceived",
    "Address",
    "AuthenticationInfo",
    "Authorization",
    "Binding",
    "BindingsChanged",
    "BodyRefusal",
    "CSeq",
    "CancelReceived",
    "Challenge",
    "Claim",
    "ConnectWanted",
    "ContentDisposition",
    "ContentType",
    "Core",
    "CredentialStore",
    "Credentials",
    "Date",
    "Defect",
    "Destination",
    "DigestConfig",
    "EndCause",
    "Endpoint",
    "EndpointConfig",
    "Entropy",
    "Event",
    "EventPackage",
    "FailureCause",
    "Flow",
    "FlowClosed",
    "FlowLost",
    "Headers",
    "InternalFault",
    "InviteReceived",
    "Join",
    "Joining",
    "Keepalive",
    "LimitExceeded",
    "Limits",
    "Listen",
    "LocalProtocolError",
    "MalformedHeader",
    "Message",
    "MinSE",
    "MsDiagnostics",
    "MsKeepAlive",
    "Multipart",
    "NameAddr",
    "NotifyFailed",
    "NotifyReceived",
    "Parameterised",
    "Params",
    "Part",
    "PasswordStore",
    "PrackReceived",
    "Privacy",
    "ProvisionalReceived",
    "Proxy",
    "ProxyConfig",
    "Pump",
    "RAck",
    "Reason",
    "Registrar",
    "RegistrarConfig",
    "ReinviteReceived",
    "RemoteProtocolError",
    "Replacement",
    "Replaces",
    "Request",
    "RequestFailed",
    "RequestId",
    "RequestReceived",
    "ResolveWanted",
    "Response",
    "ResponseReceived",
    "RetryAfter",
    "Routing",
    "SeededEntropy",
    "ServerTransactionEnded",
    "SessionAnswered",
    "SessionCancelled",
    "SessionConfirmed",
    "SessionEnded",
    "SessionExpires",
    "SessionFailed",
    "SessionFlowLost",
    "SessionId",
    "SessionProgressed",
    "SessionRedirected",
    "SessionRefreshed",
    "SessionState",
    "SessionView",
    "SipError",
    "Star",
    "StreamParser",
    "SubscribeReceived",
    "SubscriptionAccepted",
    "SubscriptionEnded",
    "SubscriptionFailed",
    "SubscriptionId",
    "SubscriptionRestarted",
    "SubscriptionState",
    "TargetDialog",
    "Timestamp",
    "TraceSink",
    "TransactionId",
    "Transmit",
    "UpdateReceived",
    "Uri",
    "Via",
    "WantId",
    "Warning",
    "aor_key",
    "body_of",
    "body_parts",
    "conference_key",
    "find_part",
    "parse_message",
    "refusal_of_body",
    "refuse",
    "tolerate",
]
