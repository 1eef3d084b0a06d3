"""Strategies for the values that headers are made of."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from sip.headers.cseq import CSeq
from sip.headers.name_addr import NameAddr
from sip.headers.via import Via
from sip.syntax.params import Params
from sip.syntax.uri import Uri

_ALPHANUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TOKEN: Final = _ALPHANUM + "-.!%*_+`'~"
METHODS: Final = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE"),
    *("SUBSCRIBE", "NOTIFY", "BENOTIFY", "REFER", "MESSAGE", "PUBLISH", "SERVICE", "OWN-Method"),
)


def tokens(max_size: int = 12) -> st.SearchStrategy[str]:
    """``token``."""
    return st.text(_TOKEN, min_size=1, max_size=max_size)


def texts(max_size: int = 20) -> st.SearchStrategy[str]:
    """What fits into a quoted-string: any character but line breaks."""
    return st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=max_size)


def lines(max_size: int = 20) -> st.SearchStrategy[str]:
    """What fits into a line of free text: any character but line breaks and NUL."""
    return st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=max_size)


def option_tags() -> st.SearchStrategy[str]:
    """Option-tags, in lower case."""
    known = st.sampled_from(("timer", "100rel", "replaces", "ms-benotify", "com.microsoft.autoextend", "gruu"))
    return known | tokens().map(str.lower)


def methods() -> st.SearchStrategy[str]:
    """Methods, known and unknown."""
    return st.sampled_from(METHODS) | tokens()


def delta_seconds() -> st.SearchStrategy[int]:
    """Seconds."""
    return st.integers(0, 2**32 - 1)


def hosts() -> st.SearchStrategy[str]:
    """Host names, IPv4 and IPv6 addresses, in lower case and without brackets."""
    label = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
    names = st.lists(label, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
    return names | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)


def ports() -> st.SearchStrategy[int | None]:
    """Ports, and none."""
    return st.none() | st.integers(0, 65535)


def params(max_size: int = 3) -> st.SearchStrategy[Params]:
    """Header parameters: flags, tokens and quoted values."""
    names = tokens(8).map(str.lower)
    return st.dictionaries(names, st.none() | tokens() | _param_texts(), max_size=max_size).map(Params)


def _param_texts() -> st.SearchStrategy[str]:
    # A value between quotes is taken as quoted already.
    return texts().filter(lambda text: not (text[:1] == '"' and text[-1:] == '"'))


def sip_uris() -> st.SearchStrategy[Uri]:
    """sip and sips URIs with everything that they may have."""
    part = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
    names = st.text(_ALPHANUM + "-_.!~*'()[]/:&+$ ;", min_size=1, max_size=8)
    values = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
    unique = st.dictionaries(names.map(str.lower), values, max_size=3)
    headers = st.lists(st.tuples(names, texts(8)), max_size=2)
    return st.builds(_sip_uri, st.sampled_from(("sip", "sips")), hosts(), part, part, ports(), unique, headers)


def _sip_uri(
    scheme: str,
    host: str,
    user: str | None,
    password: str | None,
    port: int | None,
    params: dict[str, str | None],
    headers: list[tuple[str, str]],
) -> Uri:
    shown = None if user is None else password
    return Uri(scheme, host, user, password=shown, port=port, params=params, headers=headers)


def tel_uris() -> st.SearchStrategy[Uri]:
    """tel URIs (RFC 3966)."""
    number = st.text("0123456789-.()", min_size=1, max_size=15).map(lambda digits: f"tel:+1{digits}")
    extension = st.just("") | st.integers(0, 9999).map(lambda number: f";ext={number}")
    return st.builds(lambda first, second: Uri.parse(first + second), number, extension)


def uris() -> st.SearchStrategy[Uri]:
    """URIs of all schemes."""
    others = st.sampled_from(("http://www.example.com/a?b=c", "urn:uuid:00000000-0000-0000-0000-000000000000"))
    return sip_uris() | tel_uris() | others.map(Uri.parse)


def name_addrs() -> st.SearchStrategy[NameAddr]:
    """Addresses with display names and parameters."""
    return st.builds(NameAddr, uris(), st.none() | texts(), params())


def tagged_addrs() -> st.SearchStrategy[NameAddr]:
    """Addresses as in From and To: with a tag, mostly."""
    tag = st.none() | tokens()
    plain = st.builds(NameAddr, sip_uris(), st.none() | texts())
    return st.builds(lambda address, tag: address.with_tag(tag) if tag else address, plain, tag)


def vias() -> st.SearchStrategy[Via]:
    """Hops, with and without what RFC 3261 puts into a branch."""
    transport = st.sampled_from(("UDP", "TCP", "TLS", "tcp", "SCTP", "WS"))
    branch: st.SearchStrategy[dict[str, str]] = tokens().map(lambda text: {"branch": f"z9hG4bK{text}"}) | st.just({})
    extra: st.SearchStrategy[dict[str, str | None]] = st.sampled_from(
        ({}, {"rport": None}, {"rport": "5060", "received": "192.0.2.1"})
    )
    return st.builds(
        lambda transport, host, port, branch, extra: Via(transport, host, port, {**branch, **extra}),
        transport,
        hosts(),
        ports(),
        branch,
        extra,
    )


def cseqs(method: str | None = None) -> st.SearchStrategy[CSeq]:
    """CSeq values, of one method if it is given."""
    return st.builds(CSeq, st.integers(0, 2**31 - 1), methods() if method is None else st.just(method))
