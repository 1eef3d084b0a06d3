"""Who is at the other end of a TLS connection (RFC 5922)."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from typing import cast

#: What `ssl.SSLObject.getpeercert` says: names as pairs of kind and value.
Certificate = Mapping[str, object]


def peer_identity(tls: ssl.SSLObject) -> tuple[str, ...]:
    """The domains that the peer's verified certificate proves, in lower case; none when nothing was verified."""
    certificate = tls.getpeercert()
    return certificate_identity(certificate) if certificate else ()


def peer_users(tls: ssl.SSLObject) -> tuple[str, ...]:
    """The users whom the peer's verified certificate names, as SIP URIs; none when nothing was verified."""
    certificate = tls.getpeercert()
    return certificate_users(certificate) if certificate else ()


def certificate_users(certificate: Certificate) -> tuple[str, ...]:
    """SIP URIs with a user part among the names of a certificate.

    RFC 5922 section 7.1 says that they identify no domain; what they are worth is for who trusts the authority to say.
    """
    names = (value for kind, value in _pairs(certificate.get("subjectAltName")) if kind == "URI")
    return tuple(dict.fromkeys(name for name in names if name[:4].lower() == "sip:" and "@" in name))


def certificate_identity(certificate: Certificate) -> tuple[str, ...]:
    """Domains of a certificate: SIP URIs of subjectAltName, else its DNS names, else the common name (section 7.1)."""
    alternatives = _pairs(certificate.get("subjectAltName"))
    names = [host for kind, value in alternatives if kind == "URI" and (host := _sip_domain(value))]
    names = names or [value for kind, value in alternatives if kind == "DNS"]
    if not alternatives:
        names = [value for kind, value in _subject(certificate) if kind == "commonName"]
    return tuple(dict.fromkeys(name.lower() for name in names))


def proves(certificate: Certificate, server_name: str) -> bool:
    """Whether a certificate stands for `server_name`: letter by letter, no wildcards (section 7.2).

    For a numeric address an iPAddress entry counts, as RFC 9110 section 4.3.5 has it; RFC 5922 knows domains only.
    """
    try:
        wanted = ipaddress.ip_address(server_name.strip("[]"))
    except ValueError:
        return server_name.lower().rstrip(".") in certificate_identity(certificate)
    given = (value for kind, value in _pairs(certificate.get("subjectAltName")) if kind == "IP Address")
    return any(ipaddress.ip_address(value) == wanted for value in given)


def _sip_domain(uri: str) -> str:
    """The domain of a `sip:domain` entry; one with a user part names a person, not a server (section 7.1)."""
    scheme, _, rest = uri.partition(":")
    return rest if scheme.lower() == "sip" and "@" not in rest else ""


def _pairs(value: object) -> list[tuple[str, str]]:
    return cast("list[tuple[str, str]]", list(cast("tuple[object, ...]", value or ())))


def _subject(certificate: Certificate) -> Iterator[tuple[str, str]]:
    for relative_name in cast("tuple[object, ...]", certificate.get("subject") or ()):
        yield from _pairs(relative_name)
