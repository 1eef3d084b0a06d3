"""Whether an address that a peer names lies where that peer is allowed to be."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from sip import SipError, Uri

#: Hosts of each principal, in lower case and without brackets; ``None`` allows any.
Hosts = Mapping[str, frozenset[str]] | None


def is_allowed_url(url: str, hosts: Hosts, principal: str) -> bool:
    """Whether ``url`` is HTTP or HTTPS and on a host of ``principal``.

    A user part is refused: who writes one wants its reader to take the wrong end for the host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return False
    return hosts is None or host in hosts.get(principal, ())


def is_allowed_sip_uri(uri: str, hosts: Hosts, principal: str) -> bool:
    """Whether ``uri`` is SIP and on a host of ``principal``; ``maddr`` is where it leads, so it counts too."""
    if hosts is None:
        return True
    try:
        parsed = Uri.parse(uri)
    except SipError:
        return False
    allowed = hosts.get(principal, frozenset())
    named = (parsed.host, parsed.params.get("maddr") or parsed.host)
    return parsed.scheme in ("sip", "sips") and all(host.lower().strip("[]") in allowed for host in named)
