"""SIP without I/O: messages, transactions, dialogs, sessions and subscriptions (RFC 3261 and its relatives)."""

from __future__ import annotations

from sip.authentication.authenticator import Authenticator, AuthenticatorConfig
from sip.authentication.digest import Credentials, DigestClient
from sip.authentication.digest import secret_of as digest_secret
from sip.authentication.digest_server import CredentialStore, DigestConfig, DigestServer, PasswordStore
from sip.authentication.digest_server import Outcome as DigestOutcome
from sip.authentication.identification import (
    Challenged,
    Identification,
    Identified,
    Identify,
    Pending,
    Proof,
    Refused,
)
from sip.authentication.origin import Origins
from sip.authentication.trusted_peers import TrustedPeers
from sip.authentication.wrong_passwords import WrongPasswordLimits
from sip.config import EndpointConfig, Listen
from sip.core.base_core import BaseCore
from sip.core.routing import Claim, Routing
from sip.deadlines import Deadlines, Due, first_due, next_timeout_of
from sip.endpoint.commit import Gate, Held, StateChange
from sip.endpoint.endpoint import Endpoint
from sip.endpoint.pump import Core, Pump
from sip.entropy import Entropy, SeededEntropy
from sip.errors import LimitExceeded, LocalProtocolError, MalformedHeader, RemoteProtocolError, SipError
from sip.events import (
    AckReceived,
    CancelReceived,
    ConnectWanted,
    CredentialsRefused,
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
    RequestFromElsewhere,
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
    SubscriptionFlowLost,
    SubscriptionRestarted,
    UpdateReceived,
)
from sip.faults import InternalFault, Rest, TimedNet, internal_fault
from sip.field_types import checks_types
from sip.flow import Address, Destination, Flow, Transmit
from sip.headers.challenge import AuthenticationInfo, Authorization, Challenge
from sip.headers.contact import STAR, Star
from sip.headers.content_disposition import ContentDisposition
from sip.headers.content_type import ContentType
from sip.headers.cseq import CSeq
from sip.headers.date import Date, Timestamp
from sip.headers.event import EventPackage
from sip.headers.ms_diagnostics import MsDiagnostics
from sip.headers.ms_keep_alive import MsKeepAlive
from sip.headers.name_addr import NameAddr
from sip.headers.parameterised import Parameterised
from sip.headers.privacy import Privacy
from sip.headers.rack import RAck
from sip.headers.reason import Reason
from sip.headers.replaces import Join, Replaces, TargetDialog
from sip.headers.retry_after import RetryAfter
from sip.headers.session_expires import MinSE, SessionExpires
from sip.headers.subscription_state import SubscriptionState
from sip.headers.via import Via
from sip.headers.warning import Warning
from sip.ids import RequestId, SessionId, SubscriptionId, TransactionId, WantId

# Messages
from sip.life import Life
from sip.message.bodies import BodyRefusal, body_of, refusal_of_body
from sip.message.defects import Defect
from sip.message.headers import Headers
from sip.message.limits import DEFAULT_LIMITS, Limits
from sip.message.message import Message
from sip.message.multipart import Multipart, Part, body_parts, find_part
from sip.message.parsing import parse_message
from sip.message.reason_phrases import REASONS
from sip.message.request import Request
from sip.message.response import Response
from sip.message.stream import Keepalive, StreamParser
from sip.networks import Networks, are_everybody, source_of
from sip.pieces import (
    Durable,
    Piece,
    StateUnreadable,
    UnreadablePiece,
    piece_key,
    piece_parts,
    read_piece,
    unreadable,
    write_piece,
)
from sip.servers.location import Binding, PartTarget
from sip.servers.places import Places
from sip.servers.proxy import Proxy
from sip.servers.proxy_admission import DomainNotServed, ProxyConfig
from sip.servers.registrar import BindingsChanged, Registrar
from sip.servers.registrar_config import RegistrarConfig
from sip.servers.undecided import IdentificationPending
from sip.session.joining import Joining
from sip.session.replacing import Replacement
from sip.session.tables import SessionState
from sip.session.view import SessionView
from sip.shares import Shares
from sip.shown import Shown
from sip.syntax.grammar import refuse, tolerate
from sip.syntax.keys import AddressOfRecord, ConferenceAddress, is_own_address, same_user
from sip.syntax.params import Params
from sip.syntax.uri import Uri, aor_key, conference_key
from sip.syntax.uri_parts import canonical_host
from sip.token_bucket import TokenBuckets
from sip.trace import TraceSink
from sip.traffic import Traffic
from sip.transport.locate import is_numeric, reached_host
from sip.ua.account import Account
from sip.ua.call import (
    Call,
    CallAnswered,
    CallEnded,
    CallProgressed,
    CallReceived,
    HoldChanged,
    HoldFailed,
    KeyPressed,
    TransferFailed,
    TransferSucceeded,
)
from sip.ua.call_media import CallMedia, KeyMedia
from sip.ua.call_state import CallEnd, CallState
from sip.ua.config import UserAgentConfig
from sip.ua.message import MessageDelivered, MessageFailed, MessageReceived
from sip.ua.registration import Registered, Registration, RegistrationFailed, Unregistered
from sip.ua.user_agent import UserAgent
from sip.wanted import must_be_aor, must_be_domain, must_be_port, must_be_uri, must_be_url

__all__ = [
    "DEFAULT_LIMITS",
    "REASONS",
    "STAR",
    "Account",
    "AckReceived",
    "Address",
    "AddressOfRecord",
    "AuthenticationInfo",
    "Authenticator",
    "AuthenticatorConfig",
    "Authorization",
    "BaseCore",
    "Binding",
    "BindingsChanged",
    "BodyRefusal",
    "CSeq",
    "Call",
    "CallAnswered",
    "CallEnd",
    "CallEnded",
    "CallMedia",
    "CallProgressed",
    "CallReceived",
    "CallState",
    "CancelReceived",
    "Challenge",
    "Challenged",
    "Claim",
    "ConferenceAddress",
    "ConnectWanted",
    "ContentDisposition",
    "ContentType",
    "Core",
    "CredentialStore",
    "Credentials",
    "CredentialsRefused",
    "Date",
    "Deadlines",
    "Defect",
    "Destination",
    "DigestClient",
    "DigestConfig",
    "DigestOutcome",
    "DigestServer",
    "DomainNotServed",
    "Due",
    "Durable",
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
    "Gate",
    "Headers",
    "Held",
    "HoldChanged",
    "HoldFailed",
    "Identification",
    "IdentificationPending",
    "Identified",
    "Identify",
    "InternalFault",
    "InviteReceived",
    "Join",
    "Joining",
    "Keepalive",
    "KeyMedia",
    "KeyPressed",
    "Life",
    "LimitExceeded",
    "Limits",
    "Listen",
    "LocalProtocolError",
    "MalformedHeader",
    "Message",
    "MessageDelivered",
    "MessageFailed",
    "MessageReceived",
    "MinSE",
    "MsDiagnostics",
    "MsKeepAlive",
    "Multipart",
    "NameAddr",
    "Networks",
    "NotifyFailed",
    "NotifyReceived",
    "Origins",
    "Parameterised",
    "Params",
    "Part",
    "PartTarget",
    "PasswordStore",
    "Pending",
    "Piece",
    "Places",
    "PrackReceived",
    "Privacy",
    "Proof",
    "ProvisionalReceived",
    "Proxy",
    "ProxyConfig",
    "Pump",
    "RAck",
    "Reason",
    "Refused",
    "Registered",
    "Registrar",
    "RegistrarConfig",
    "Registration",
    "RegistrationFailed",
    "ReinviteReceived",
    "RemoteProtocolError",
    "Replacement",
    "Replaces",
    "Request",
    "RequestFailed",
    "RequestFromElsewhere",
    "RequestId",
    "RequestReceived",
    "ResolveWanted",
    "Response",
    "ResponseReceived",
    "Rest",
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
    "Shares",
    "Shown",
    "SipError",
    "Star",
    "StateChange",
    "StateUnreadable",
    "StreamParser",
    "SubscribeReceived",
    "SubscriptionAccepted",
    "SubscriptionEnded",
    "SubscriptionFailed",
    "SubscriptionFlowLost",
    "SubscriptionId",
    "SubscriptionRestarted",
    "SubscriptionState",
    "TargetDialog",
    "TimedNet",
    "Timestamp",
    "TokenBuckets",
    "TraceSink",
    "Traffic",
    "TransactionId",
    "TransferFailed",
    "TransferSucceeded",
    "Transmit",
    "TrustedPeers",
    "UnreadablePiece",
    "Unregistered",
    "UpdateReceived",
    "Uri",
    "UserAgent",
    "UserAgentConfig",
    "Via",
    "WantId",
    "Warning",
    "WrongPasswordLimits",
    "aor_key",
    "are_everybody",
    "body_of",
    "body_parts",
    "canonical_host",
    "checks_types",
    "conference_key",
    "digest_secret",
    "find_part",
    "first_due",
    "internal_fault",
    "is_numeric",
    "is_own_address",
    "must_be_aor",
    "must_be_domain",
    "must_be_port",
    "must_be_uri",
    "must_be_url",
    "next_timeout_of",
    "parse_message",
    "piece_key",
    "piece_parts",
    "reached_host",
    "read_piece",
    "refusal_of_body",
    "refuse",
    "same_user",
    "source_of",
    "tolerate",
    "unreadable",
    "write_piece",
]
