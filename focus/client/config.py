"""Settings of a conferencing client, each with its unit and its reason."""

from __future__ import annotations

import attrs

from c3p import focus_factory_uri
from sip import ABOVE_ZERO, NameAddr, Shown, Uri, checks_types, must_be_aor, must_be_uri


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ClientConfig(Shown):
    """Who the client is and how it reaches its servers. Raises `sip.LocalProtocolError` for what is no address."""

    owner: str = "client"  #: name of this core at the endpoint
    aor: str = attrs.field(validator=must_be_aor)  #: SIP URI of the user, such as sip:alice@example.com
    display_name: str | None = None
    factory_uri: str | None = None  #: Focus Factory URI from provisioning; None: derived from `aor`
    #: Where every request goes first; None: to its target, whose domain is looked up.
    outbound_proxy: Uri | None = attrs.field(default=None, validator=must_be_uri)
    epid: str | None = None  #: hexadecimal id of this device, None leaves it out
    #: seconds offered for the Focus dialog; None: no session timer
    session_expires: int | None = attrs.field(default=1200, metadata=ABOVE_ZERO)
    benotify: bool = True  #: ask for notifications that are not answered
    piggyback: bool = True  #: ask for the first document in the answer to SUBSCRIBE
    lobby_capable: bool = True  #: whether to wait when a conference is locked
    command_timeout: float = 180.0  #: seconds for a final response, again after each `pending` (MS-CONFBAS)
    record_lifetime: float = 8 * 3600.0  #: seconds that a new conference record lives (Microsoft's API: 8 h)
    #: seconds for which a client that lost its Focus, or the connection to it, tries to join again; 0: it does not. A
    #: server that is started again, or moved, is there within a minute or two
    rejoin_for: float = 300.0
    invitation_timeout: float = 60.0  #: seconds in which somebody who is invited is to decide: as long as phones ring
    max_commands: int = 64  #: open at once; a Focus takes no more from one participant

    @property
    def sender(self) -> NameAddr:
        """Who requests are from."""
        return NameAddr(self.aor, self.display_name, {"epid": self.epid} if self.epid is not None else {})

    @property
    def route(self) -> tuple[NameAddr, ...]:
        """Where requests outside of dialogs go first."""
        return (NameAddr(self.outbound_proxy.with_params(lr=None)),) if self.outbound_proxy is not None else ()

    @property
    def focus_factory(self) -> str:
        """The Focus Factory URI in use."""
        return self.factory_uri if self.factory_uri is not None else focus_factory_uri(self.aor)
