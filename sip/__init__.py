"""SIP without I/O: messages, transactions, dialogs, sessions and subscriptions (RFC 3261 and its relatives)."""

from __future__ import annotations

# Messages
from sip.challenge import AuthenticationInfo, Authorization, Challenge
from sip.content_type import ContentType
from sip.cseq import CSeq
from sip.defects import Defect
from sip.errors import LimitExceeded, LocalProtocolError, MalformedHeader, RemoteProtocolError, SipError
from sip.event import EventPackage
from sip.grammar import refuse, tolerate
from sip.headers import Headers
from sip.limits import DEFAULT_LIMITS, Limits
from sip.message import Message
from sip.name_addr import STAR, NameAddr, Star
from sip.params import Params
from sip.parsing import parse_message
from sip.reasons import REASONS
from sip.request import Request
from sip.response import Response
from sip.session_expires import MinSE, SessionExpires
from sip.stream import Keepalive, StreamParser
from sip.subscription_state import SubscriptionState
from sip.uri import Uri, aor_key, conference_key
from sip.via import Via

__all__ = [
    # Messages
    "DEFAULT_LIMITS",
    "REASONS",
    "STAR",
    "AuthenticationInfo",
    "Authorization",
    "CSeq",
    "Challenge",
    "ContentType",
    "Defect",
    "EventPackage",
    "Headers",
    "Keepalive",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "MalformedHeader",
    "Message",
    "MinSE",
    "NameAddr",
    "Params",
    "RemoteProtocolError",
    "Request",
    "Response",
    "SessionExpires",
    "SipError",
    "Star",
    "StreamParser",
    "SubscriptionState",
    "Uri",
    "Via",
    "aor_key",
    "conference_key",
    "parse_message",
    "refuse",
    "tolerate",
]
