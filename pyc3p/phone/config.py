"""Settings of a phone."""

from __future__ import annotations

import attrs

import mcu
import rtp
import sip
from pyc3p.phone.events import Reaction
from sip import ABOVE_ZERO, checks_types


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class PhoneConfig:
    """One phone."""

    aor: str  #: its address, such as ``sip:bob@example.com``
    contact: sip.Uri  #: where calls reach it
    owner: str = "phone"
    display_name: str | None = None
    registrar: sip.Uri | None = None  #: where it registers; None: it does not
    outbound_proxy: sip.Uri | None = None  #: preloaded Route of its requests
    register_expires: int = 300  #: seconds asked for
    #: seconds at most after a first failed registration; twice as long each time
    register_retry: float = attrs.field(default=5.0, metadata=ABOVE_ZERO)
    #: seconds at most after many (RFC 5626 section 4.5)
    register_max_retry: float = attrs.field(default=1800.0, metadata=ABOVE_ZERO)
    #: seconds at least until credentials that were refused are shown again: they are as wrong then, unless somebody
    #: mends the registrar's (RFC 3261 section 22.1)
    register_refused_retry: float = 300.0
    ring_time: float = 0.5  #: seconds from 180 to 200
    hang_up_after: float | None = None  #: seconds after the answer; None: the other side ends the call
    #: seconds without RTP and RTCP of the other side, while it may speak, after which it counts as gone, as at an MCU
    #: (`mcu.McuConfig.dead_media`); None: never. A phone whose MCU has died would be busy for ever
    dead_media: float | None = attrs.field(default=60.0, metadata=ABOVE_ZERO)
    reaction: Reaction = Reaction.ANSWER
    forward_to: sip.Uri | None = None  #: where calls are sent that it redirects
    capabilities: rtp.Capabilities = rtp.PLAIN_PHONE

    def with_srtp(self, srtp: mcu.Srtp) -> PhoneConfig:
        """The same phone, which takes keys (RFC 4568), or demands them."""
        level = mcu.MediaTerms(srtp=srtp).accepts
        return attrs.evolve(self, capabilities=attrs.evolve(self.capabilities, encryption=level))

    @property
    def account(self) -> sip.Account:
        """Its address and servers. Raises LocalProtocolError for an address that is none."""
        return sip.Account(
            aor=self.aor,
            display_name=self.display_name,
            registrar=self.registrar,
            proxies=self.outbound_proxy or (),
            contact=self.contact,
            expires=self.register_expires,
            retry=self.register_retry,
            max_retry=self.register_max_retry,
            refused_retry=self.register_refused_retry,
        )
