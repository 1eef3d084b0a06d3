"""The section ``[media]``: SRTP, and who is trusted to name the address that sound is sent to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from mcu import MediaRules, Srtp
from pyc3p.commands.addresses import check_host
from pyc3p.problems import UsageProblem
from rtp import Capabilities, Crypto, LocalRtpError

_WORDS: Final = tuple(each.value for each in Srtp)


def _level(word: str, name: str) -> Srtp:
    if word not in _WORDS:
        raise UsageProblem(f"{name} must be one of {', '.join(_WORDS)}, not {word!r}")
    return Srtp(word)


@attrs.frozen(kw_only=True)
class MediaTargetSettings:
    """Other rules for the users of one domain, or for a trunk."""

    domain: str  #: host part of the addresses; for numbers the ``domain`` of their gateway
    srtp: str = "off"
    srtp_incoming: str = "optional"
    over_plain: bool = False
    known: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.domain.strip():
            raise UsageProblem("media.targets.domain must name a domain or a host")
        check_host(self.domain, option="media.targets.domain")
        _level(self.srtp, "media.targets.srtp")
        _level(self.srtp_incoming, "media.targets.srtp_incoming")

    @property
    def rules(self) -> MediaRules:
        """As the MCU takes them."""
        return MediaRules(
            offer=Srtp(self.srtp), accept=Srtp(self.srtp_incoming), over_plain=self.over_plain, known=self.known
        )


@attrs.frozen(kw_only=True)
class MediaSettings:
    """How the MCU carries sound."""

    srtp: str = "off"  #: offered to phones that are called: ``off``, ``optional`` or ``required``
    srtp_incoming: str = "optional"  #: taken from phones that call in
    over_plain: bool = False  #: offer keys over signalling without TLS too, where others can read them
    suites: tuple[str, ...] = ("AES_CM_128_HMAC_SHA1_80",)  #: names of RFC 4568 and 7714, best first
    #: Domains and hosts, besides our own users and gateways, that are trusted to name their own address: sound is sent
    #: there in full before anything came from there.
    known: tuple[str, ...] = ()
    targets: tuple[MediaTargetSettings, ...] = ()
    #: All legs on the first two of the media ports, told apart by the address of their descriptions: for trunks and
    #: others that send from there. Phones behind a NAT are not heard.
    single_port: bool = False

    def __attrs_post_init__(self) -> None:
        _level(self.srtp, "media.srtp")
        _level(self.srtp_incoming, "media.srtp_incoming")
        if not self.suites:
            raise UsageProblem("media.suites must name a suite, such as AES_CM_128_HMAC_SHA1_80")
        self.capabilities  # noqa: B018 - raises for a suite that is unknown
        for name in self.known:
            check_host(name, option="media.known")

    @property
    def capabilities(self) -> Capabilities:
        """What legs can do; their keys are made with them. Raises UsageProblem."""
        try:
            return Capabilities(
                crypto=tuple(Crypto.fresh(tag, suite, bytes) for tag, suite in enumerate(self.suites, 1))
            )
        except LocalRtpError as error:
            raise UsageProblem(f"media.suites: {error}") from None

    def rules(self, own_domains: Iterable[str]) -> MediaRules:
        """What the MCU goes by; ``own_domains`` are those whose users are registered here."""
        return MediaRules(
            offer=Srtp(self.srtp),
            accept=Srtp(self.srtp_incoming),
            over_plain=self.over_plain,
            known_domains=frozenset(each.lower() for each in (*own_domains, *self.known)),
            targets={each.domain.lower(): each.rules for each in self.targets},
        )
