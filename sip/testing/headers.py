"""Strategies for the typed values of each header."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from hypothesis import strategies as st

from sip.headers.auth_params import AuthParams
from sip.headers.challenge import AuthenticationInfo, Authorization, Challenge
from sip.headers.contact import STAR
from sip.headers.content_disposition import ContentDisposition
from sip.headers.content_type import ContentType
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
from sip.headers.warning import Warning
from sip.syntax.params import Params
from sip.testing.values import (
    cseqs,
    delta_seconds,
    lines,
    methods,
    name_addrs,
    option_tags,
    params,
    sip_uris,
    tagged_addrs,
    texts,
    tokens,
    vias,
)

_lower_tokens: Final = tokens().map(str.lower)
_seconds: Final = delta_seconds()
_proxies: Final = sip_uris().map(lambda uri: NameAddr(uri.with_params(lr=None)))
_call_ids: Final = st.builds(lambda word, host: f"{word}@{host}" if host else word, tokens(), st.just("") | tokens())
_dialog_params: Final = st.just(Params())
_media_types: Final = st.builds(lambda main, sub: f"{main}/{sub}", _lower_tokens, _lower_tokens)
_content_types: Final = st.builds(ContentType, _media_types, params())
_parameterised: Final = st.builds(Parameterised, tokens(), params())
_auth_values: Final = tokens() | texts().filter(lambda text: not (text[:1] == '"' and text[-1:] == '"'))
_auth_params: Final = st.dictionaries(_lower_tokens, _auth_values, min_size=1, max_size=5).map(AuthParams)
_refreshers: Final = st.sampled_from((Params(), Params({"refresher": "uac"}), Params({"refresher": "uas"})))
_expiries: Final = st.just(Params()) | _seconds.map(lambda seconds: Params({"expires": str(seconds)}))
_moments: Final = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
_states: Final = st.sampled_from(("active", "pending", "terminated"))
_diagnostics: Final = st.builds(
    MsDiagnostics,
    st.integers(0, 10**9 - 1),
    st.none() | texts(),
    st.none() | texts(),
    params().map(lambda found: found.without("source", "reason")),
    st.none() | st.integers(0, 99),
)

#: For each header its typed values; for lists the values of one item.
HEADER_VALUES: Final[Mapping[str, st.SearchStrategy[object]]] = {
    "Via": vias(),
    "From": tagged_addrs(),
    "To": tagged_addrs(),
    "Contact": name_addrs() | st.just(STAR),
    "Route": _proxies,
    "Record-Route": _proxies,
    "Path": _proxies,
    "Service-Route": _proxies,
    "Refer-To": name_addrs(),
    "Referred-By": name_addrs(),
    "Reply-To": name_addrs(),
    "P-Asserted-Identity": name_addrs(),
    "P-Preferred-Identity": name_addrs(),
    "P-Associated-URI": name_addrs(),
    "History-Info": name_addrs(),
    "Diversion": name_addrs(),
    "Alert-Info": name_addrs(),
    "Call-Info": name_addrs(),
    "Error-Info": name_addrs(),
    "Identity-Info": name_addrs(),
    "CSeq": cseqs(),
    "Call-ID": _call_ids,
    "In-Reply-To": _call_ids,
    "Max-Forwards": st.integers(0, 255),
    "Max-Breadth": st.integers(0, 1000),
    "Content-Type": _content_types,
    "Accept": _content_types,
    "ms-text-format": _content_types,
    "ms-im-format": _content_types,
    "ms-endpoint-location-data": _parameterised,
    "ms-sensitivity": option_tags(),
    "Priority": option_tags(),
    "Ms-Mcu-Contact": name_addrs(),
    "Roster-Manager": name_addrs(),
    "EndPoints": name_addrs(),
    "Content-Disposition": st.builds(ContentDisposition, _lower_tokens, params()),
    "Content-Encoding": option_tags(),
    "Accept-Encoding": _parameterised,
    "Accept-Language": _parameterised,
    "Accept-Contact": _parameterised,
    "Reject-Contact": _parameterised,
    "Info-Package": _parameterised,
    "Recv-Info": _parameterised,
    "Refer-Sub": _parameterised,
    "Request-Disposition": option_tags(),
    "Supported": option_tags(),
    "Require": option_tags(),
    "Proxy-Require": option_tags(),
    "Unsupported": option_tags(),
    "Allow": methods(),
    "Allow-Events": option_tags(),
    "Event": st.builds(EventPackage, _lower_tokens, params()),
    "Subscription-State": st.builds(SubscriptionState, _states, _expiries),
    "Expires": _seconds,
    "Min-Expires": _seconds,
    "Flow-Timer": _seconds,
    "Session-Expires": st.builds(SessionExpires, _seconds, _refreshers),
    "Min-SE": st.builds(MinSE, _seconds, params()),
    "RSeq": st.integers(1, 2**32 - 1),
    "RAck": st.builds(RAck, st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1), methods()),
    "Replaces": st.builds(Replaces, _call_ids, tokens(), tokens(), st.booleans(), _dialog_params),
    "Join": st.builds(Join, _call_ids, tokens(), tokens(), _dialog_params),
    "Target-Dialog": st.builds(TargetDialog, _call_ids, tokens(), tokens(), _dialog_params),
    "Reason": st.builds(Reason, tokens(), params()),
    "Retry-After": st.builds(RetryAfter, _seconds, params(), st.none() | texts()),
    "Warning": st.builds(Warning, st.integers(100, 999), tokens(), texts()),
    "Privacy": st.lists(_lower_tokens, min_size=1, max_size=3).map(lambda found: Privacy(tuple(found))),
    "Date": st.builds(Date, _moments),
    "Timestamp": st.builds(Timestamp, st.integers(0, 10**9).map(str), st.none() | st.integers(0, 9).map(float)),
    "SIP-ETag": tokens(),
    "SIP-If-Match": tokens(),
    "WWW-Authenticate": st.builds(Challenge, tokens(), _auth_params),
    "Proxy-Authenticate": st.builds(Challenge, tokens(), _auth_params),
    "Authorization": st.builds(Authorization, tokens(), _auth_params),
    "Proxy-Authorization": st.builds(Authorization, tokens(), _auth_params),
    "Authentication-Info": st.builds(AuthenticationInfo, _auth_params, st.none() | tokens()),
    "Proxy-Authentication-Info": st.builds(AuthenticationInfo, _auth_params, st.none() | tokens()),
    "ms-diagnostics": _diagnostics,
    "ms-diagnostics-public": _diagnostics,
    "ms-client-diagnostics": _diagnostics,
    "ms-keep-alive": st.builds(MsKeepAlive, st.sampled_from(("UAC", "UAS")), params()),
    "ms-piggyback-cseq": st.integers(0, 2**31 - 1),
}


def header_values(name: str) -> st.SearchStrategy[object]:
    """Typed values of one header."""
    return HEADER_VALUES[name]


def header_fields(max_size: int = 4) -> st.SearchStrategy[list[tuple[str, object]]]:
    """Optional headers of any message, known and unknown, each at most once."""
    needed = {"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Route", "Record-Route"}
    optional = sorted(set(HEADER_VALUES) - needed)
    known = st.sampled_from(optional).flatmap(lambda name: st.tuples(st.just(name), HEADER_VALUES[name]))
    unknown = st.tuples(tokens().map(lambda token: f"X-{token}"), lines())
    return st.lists(known | unknown, max_size=max_size, unique_by=lambda field: field[0].lower())
