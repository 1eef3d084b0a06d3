"""How the media of a leg are carried: encrypted or not, and to whom sound is sent before anything comes from there."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, Protocol

import attrs

from rtp import Encryption
from sip import Shown


class Srtp(enum.Enum):
    """Whether media are encrypted, by keys in the session description (RFC 4568)."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


#: What a phone that is called is offered, in turn: a form that it refuses with 488 is followed by the next. Keys beside
#: RTP/AVP are what deployed phones take for "either"; those that want RTP/SAVP or nothing refuse that, and those that
#: stumble over the keys get none.
_FORMS: Final = {
    Srtp.OFF: (Encryption.REJECTED,),
    Srtp.OPTIONAL: (Encryption.OPTIONAL, Encryption.REQUIRED, Encryption.REJECTED),
    Srtp.REQUIRED: (Encryption.REQUIRED,),
}


@attrs.frozen(kw_only=True)
class MediaTarget:
    """What is known of the far end of a leg before it is called, or when it calls."""

    outgoing: bool  #: we call
    scheme: str  #: of its address: ``sip`` or ``sips``; a ``tel:`` URI has become that of its gateway
    domain: str  #: lower case
    user: str | None
    port: int | None = None  #: that the address names; users of a domain are where its name leads, without a port
    gateway: bool = False  #: a gateway of ours to the telephone network
    signalling_encrypted: bool = False  #: the first hop, as far as addresses say; of who calls: his own hop to us


@attrs.frozen(kw_only=True)
class MediaTerms(Shown):
    """What a policy decides for one leg."""

    srtp: Srtp = Srtp.OFF
    #: Offer keys although the signalling is not encrypted: whoever reads that has the keys.
    over_plain: bool = False
    #: The far end is a registered user, a gateway or a trusted peer, who does not name the address of somebody else:
    #: everything is sent to it at once, and not one packet a second until something comes from there.
    known: bool = False

    def forms(self, *, signalling_encrypted: bool) -> tuple[Encryption, ...]:
        """The levels of our offer, to be tried in turn; none when what is required must not be offered."""
        if signalling_encrypted or self.over_plain or self.srtp is Srtp.OFF:
            return _FORMS[self.srtp]
        return () if self.srtp is Srtp.REQUIRED else _FORMS[Srtp.OFF]

    @property
    def accepts(self) -> Encryption:
        """Our level towards offers of the far end: keys that it has told are used, whoever may have read them."""
        return _FORMS[self.srtp][0]


class MediaPolicy(Protocol):
    """Anything that decides on the media of a leg. It is asked for each address that is called, redirections too."""

    def terms(self, target: MediaTarget) -> MediaTerms:
        """Say how the media of a leg is carried, before it is offered or answered."""


@attrs.frozen(kw_only=True)
class MediaRules(Shown):
    """The rules that come with the package."""

    offer: Srtp = Srtp.OFF  #: towards whom we call
    accept: Srtp = Srtp.OPTIONAL  #: from who calls us
    over_plain: bool = False  #: offer keys over signalling that is not encrypted
    known: bool = False  #: everybody is trusted to name an address of its own
    #: Domains whose users are registered, or that are trusted, with a name for each. Only where we call: whoever calls
    #: can write any name into From.
    known_domains: frozenset[str] = frozenset()
    #: Other rules for single domains, in lower case; gateways have that of their ``domain``.
    targets: Mapping[str, MediaRules] = attrs.field(factory=dict, hash=False)

    def terms(self, target: MediaTarget) -> MediaTerms:
        """Go by the rules of the domain of the far end, else by these."""
        rules = self.targets.get(target.domain, self)
        trusted = target.outgoing and (target.gateway or self._is_known(target))
        return MediaTerms(
            srtp=rules.offer if target.outgoing else rules.accept,
            over_plain=rules.over_plain,
            known=trusted or rules.known,
        )

    def _is_known(self, target: MediaTarget) -> bool:
        return target.port is None and target.domain in self.known_domains
