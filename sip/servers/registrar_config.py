"""Settings of a registrar: each value with its unit and its reason."""

from __future__ import annotations

import attrs

from sip.authentication.digest_server import DigestConfig
from sip.field_types import ABOVE_ZERO, checks_types
from sip.headers.name_addr import NameAddr
from sip.wanted import must_be_names


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class RegistrarConfig:
    """Whom a registrar serves, and how much it holds."""

    owner: str = "registrar"
    domains: tuple[str, ...] = attrs.field(
        default=(), validator=must_be_names
    )  #: beside the addresses we listen on; none: any
    one_domain: bool = True  #: all of them have the same users, as a domain and the addresses of its server do
    realm: str | None = None  #: of the challenges; None is the first of `domains`
    digest: DigestConfig | None = None  #: more about the challenges, in place of `realm`
    default_expires: int = 3600  #: seconds, when the client does not say (RFC 3261 section 10.3)
    min_expires: int = 60  #: seconds; shorter ones cost more traffic than they are worth: 423
    max_expires: int = 7200  #: seconds; longer ones are shortened, so that the dead do not stay for days
    max_contacts: int = 10  #: of one user; each call rings all of them
    max_users: int = 10_000  #: about 2 KiB each, at most `max_contacts` times `max_contact`
    max_users_per_source: int = 1_000  #: registered from one address (of IPv6 a /64); a large site behind one NAT
    max_bindings_per_source: int = 2_000  #: made from one address: two phones for each of them
    max_contact: int = 2_048  #: octets of a contact with its Path and what names it; several times what is usual
    #: seconds within which a client that asks by Ms-Keep-Alive must say something
    keep_alive: int = attrs.field(default=300, metadata=ABOVE_ZERO)
    #: seconds between the keep-alives of clients that register flows (RFC 5626 section 4.4.1)
    flow_timer: int = attrs.field(default=120, metadata=ABOVE_ZERO)
    service_route: tuple[NameAddr, ...] = ()  #: what clients are to use for their requests (RFC 3608)
    headers: tuple[tuple[str, str], ...] = ()  #: more headers of each 200, such as Supported and Allow-Events
