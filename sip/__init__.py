"""SIP without I/O: messages, transactions, dialogs, sessions and subscriptions (RFC 3261 and its relatives)."""

from __future__ import annotations

# Messages
from sip.challenge import AuthenticationInfo, Authorization, Challenge
from sip.content_disposition import ContentDisposition
from sip.content_type import ContentType
from sip.cseq import CSeq
from sip.date import Date, Timestamp
from sip.defects import Defect
from sip.errors import LimitExceeded, LocalProtocolError, MalformedHeader, RemoteProtocolError, SipError
from sip.event import EventPackage
from sip.grammar import refuse, tolerate
from sip.headers import Headers
from sip.limits import DEFAULT_LIMITS, Limits
from sip.message import Message
from sip.ms_diagnostics import MsDiagnostics
from sip.ms_keep_alive import MsKeepAlive
from sip.multipart import Multipart, Part, body_parts, find_part
from sip.name_addr import STAR, NameAddr, Star
from sip.parameterised import Parameterised
from sip.params import Params
from sip.parsing import parse_message
from sip.privacy import Privacy
from sip.rack import RAck
from sip.reason import Reason
from sip.reasons import REASONS
from sip.replaces import Join, Replaces, TargetDialog
from sip.request import Request
from sip.response import Response
from sip.retry_after import RetryAfter
from sip.session_expires import MinSE, SessionExpires
from sip.stream import Keepalive, StreamParser
from sip.subscription_state import SubscriptionState
from sip.uri import Uri, aor_key, conference_key
from sip.via import Via
from sip.warning import Warning

__all__ = [
    # Messages
    "DEFAULT_LIMITS",
    "REASONS",
    "STAR",
    "AuthenticationInfo",
    "Authorization",
    "CSeq",
    "Challenge",
    "ContentDisposition",
    "ContentType",
    "Date",
    "Defect",
    "EventPackage",
    "Headers",
    "Join",
    "Keepalive",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "MalformedHeader",
    "Message",
    "MinSE",
    "MsDiagnostics",
    "MsKeepAlive",
    "Multipart",
    "NameAddr",
    "Parameterised",
    "Params",
    "Part",
    "Privacy",
    "RAck",
    "Reason",
    "RemoteProtocolError",
    "Replaces",
    "Request",
    "Response",
    "RetryAfter",
    "SessionExpires",
    "SipError",
    "Star",
    "StreamParser",
    "SubscriptionState",
    "TargetDialog",
    "Timestamp",
    "Uri",
    "Via",
    "Warning",
    "aor_key",
    "body_parts",
    "conference_key",
    "find_part",
    "parse_message",
    "refuse",
    "tolerate",
]
