"""Which parser reads which header (the table of all headers with structure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from sip.challenge import AuthenticationInfo, Authorization, Challenge
from sip.content_type import ContentType
from sip.cseq import CSeq
from sip.event import EventPackage
from sip.grammar import Report, tolerate
from sip.name_addr import STAR, NameAddr, Star
from sip.session_expires import MinSE, SessionExpires
from sip.subscription_state import SubscriptionState
from sip.tokens import (
    parse_call_id,
    parse_delta_seconds,
    parse_max_forwards,
    parse_method,
    parse_number,
    parse_option_tag,
)
from sip.uri import Uri
from sip.via import Via

__all__ = ["PARSERS", "Parser"]


class Parser(Protocol):
    """Reads one value; raises MalformedHeader, tells ``report`` what it tolerated."""

    def __call__(self, text: str, report: Report = ..., /) -> object: ...


def parse_contact(text: str, report: Report = tolerate) -> NameAddr | Star:
    """An address, or the asterisk that stands for all of them."""
    return STAR if text == "*" else NameAddr.parse(text, report)


#: By key: the full name in lower case.
PARSERS: Final[Mapping[str, Parser]] = {
    "Request-URI": Uri.parse,  # not a header, but a value of the message all the same
    "via": Via.parse,
    "from": NameAddr.parse,
    "to": NameAddr.parse,
    "contact": parse_contact,
    "route": NameAddr.parse,
    "record-route": NameAddr.parse,
    "path": NameAddr.parse,
    "service-route": NameAddr.parse,
    "refer-to": NameAddr.parse,
    "referred-by": NameAddr.parse,
    "reply-to": NameAddr.parse,
    "p-asserted-identity": NameAddr.parse,
    "p-preferred-identity": NameAddr.parse,
    "p-associated-uri": NameAddr.parse,
    "cseq": CSeq.parse,
    "call-id": parse_call_id,
    "max-forwards": parse_max_forwards,
    "max-breadth": parse_number,
    "content-length": parse_number,
    "content-type": ContentType.parse,
    "accept": ContentType.parse,
    "supported": parse_option_tag,
    "require": parse_option_tag,
    "proxy-require": parse_option_tag,
    "unsupported": parse_option_tag,
    "allow": parse_method,
    "allow-events": parse_option_tag,
    "event": EventPackage.parse,
    "subscription-state": SubscriptionState.parse,
    "expires": parse_delta_seconds,
    "min-expires": parse_delta_seconds,
    "session-expires": SessionExpires.parse,
    "min-se": MinSE.parse,
    "www-authenticate": Challenge.parse,
    "proxy-authenticate": Challenge.parse,
    "authorization": Authorization.parse,
    "proxy-authorization": Authorization.parse,
    "authentication-info": AuthenticationInfo.parse,
    "proxy-authentication-info": AuthenticationInfo.parse,
    "ms-piggyback-cseq": parse_number,
    "flow-timer": parse_delta_seconds,
}
