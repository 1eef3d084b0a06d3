"""Which parser reads which header (the table of all headers with structure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from sip.headers.challenge import AuthenticationInfo, Authorization, Challenge
from sip.headers.contact import parse_contact
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
from sip.headers.rack import RAck, parse_rseq
from sip.headers.reason import Reason
from sip.headers.replaces import Join, Replaces, TargetDialog
from sip.headers.retry_after import RetryAfter
from sip.headers.route import parse_route
from sip.headers.session_expires import MinSE, SessionExpires
from sip.headers.subscription_state import SubscriptionState
from sip.headers.via import Via
from sip.headers.warning import Warning
from sip.syntax.grammar import Report
from sip.syntax.tokens import (
    parse_call_id,
    parse_delta_seconds,
    parse_max_forwards,
    parse_number,
    parse_option_tag,
    parse_token,
)


class Parser(Protocol):
    """Reads one value; raises MalformedHeader, tells ``report`` what it tolerated."""

    def __call__(self, text: str, report: Report = ..., /) -> object: ...


#: By key: the full name in lower case.
PARSERS: Final[Mapping[str, Parser]] = {
    "via": Via.parse,
    "from": NameAddr.parse,
    "to": NameAddr.parse,
    "contact": parse_contact,
    "route": parse_route,
    "record-route": parse_route,
    "path": parse_route,
    "service-route": parse_route,
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
    "allow": parse_token,
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
    "accept-contact": Parameterised.parse,
    "accept-encoding": Parameterised.parse,
    "accept-language": Parameterised.parse,
    "alert-info": NameAddr.parse,
    "call-info": NameAddr.parse,
    "content-disposition": ContentDisposition.parse,
    "content-encoding": parse_option_tag,
    "date": Date.parse,
    "diversion": NameAddr.parse,
    "error-info": NameAddr.parse,
    "history-info": NameAddr.parse,
    "identity-info": NameAddr.parse,
    "in-reply-to": parse_call_id,
    "info-package": Parameterised.parse,
    "join": Join.parse,
    "ms-client-diagnostics": MsDiagnostics.parse,
    "ms-diagnostics": MsDiagnostics.parse,
    "ms-diagnostics-public": MsDiagnostics.parse,
    "ms-keep-alive": MsKeepAlive.parse,
    "endpoints": NameAddr.parse,
    "ms-endpoint-location-data": Parameterised.parse,
    "ms-im-format": ContentType.parse,
    "ms-mcu-contact": NameAddr.parse,
    "ms-sensitivity": parse_option_tag,
    "ms-text-format": ContentType.parse,
    "priority": parse_option_tag,
    "roster-manager": NameAddr.parse,
    "privacy": Privacy.parse,
    "rack": RAck.parse,
    "reason": Reason.parse,
    "recv-info": Parameterised.parse,
    "refer-sub": Parameterised.parse,
    "reject-contact": Parameterised.parse,
    "replaces": Replaces.parse,
    "request-disposition": parse_option_tag,
    "retry-after": RetryAfter.parse,
    "rseq": parse_rseq,
    "sip-etag": parse_token,
    "sip-if-match": parse_token,
    "target-dialog": TargetDialog.parse,
    "timestamp": Timestamp.parse,
    "warning": Warning.parse,
}
