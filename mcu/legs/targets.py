"""From an address in a command to what is really called."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from mcu.config import ConferencingServerConfig
from mcu.leg import Attempt
from mcu.media_policy import MediaTarget, MediaTerms
from mcu.telephone_number import number_in
from sip import NameAddr, SipError, Uri


def number_or_user(uri: Uri) -> str | None:
    """What a policy looks at: the digits of a ``tel:`` URI, the user part of any other."""
    if uri.scheme != "tel":
        return uri.user
    number = number_in(uri)
    return None if number is None else number.digits


class Targets:
    """Pure: the same address always gives the same attempt."""

    def __init__(self, config: ConferencingServerConfig, terms: Callable[[MediaTarget], MediaTerms]) -> None:
        """``terms`` says of an address how media go there."""
        self._gateways, self._terms = config.gateways, terms
        self._proxy = self._route(config.outbound_proxy)
        self._secure_proxy = self._route(config.secure_outbound_proxy or config.outbound_proxy)

    def has_way(self, uri: Uri) -> bool:
        """Whether there is a way to ``uri``: an address, or a number for which there is a gateway."""
        return self._way(uri) is not None

    def attempt(self, uri: Uri) -> Attempt | None:
        """How ``uri`` is called, and with which media; ``None`` when there is no way."""
        way = self._way(uri)
        return None if way is None else self._on_terms(way, gateway=uri.scheme == "tel")

    def _way(self, uri: Uri) -> Attempt | None:
        if uri.scheme in ("sip", "sips"):
            return Attempt(target=uri, route=self._secure_proxy if uri.scheme == "sips" else self._proxy)
        if uri.scheme != "tel":
            return None
        number = number_in(uri)
        gateway = self._gateways.choose(number) if number is not None else None
        if gateway is None or number is None:
            return None
        try:
            return Attempt(
                target=Uri.parse(gateway.address(number.digits)),
                route=self._route(Uri.parse(gateway.next_hop)) if gateway.next_hop else self._proxy,
                caller=Uri.parse(gateway.caller) if gateway.caller else None,
                asserted=Uri.parse(asserted) if (asserted := gateway.asserted or gateway.caller) else None,
            )
        except SipError:
            return None

    def _on_terms(self, attempt: Attempt, *, gateway: bool) -> Attempt:
        """With what the policy says of its media; without any form of an offer when keys must not be told this way."""
        uri, first = attempt.target, attempt.route[0].uri if attempt.route else attempt.target
        # What RFC 3263 may make of an address without word of a transport is not known yet: it may be UDP.
        encrypted = uri.scheme == "sips" or first.scheme == "sips" or first.transport == "tls"
        target = MediaTarget(
            outgoing=True,
            scheme=uri.scheme,
            domain=uri.host.lower(),
            user=uri.user,
            port=uri.port,
            gateway=gateway,
            signalling_encrypted=encrypted,
        )
        terms = self._terms(target)
        return attrs.evolve(
            attempt,
            vouched_for=gateway or bool(attempt.route),
            terms=terms,
            forms=terms.forms(signalling_encrypted=encrypted),
        )

    @staticmethod
    def _route(proxy: Uri | None) -> tuple[NameAddr, ...]:
        # RFC 3261 section 16.12.1.1: without lr the proxy would be taken for a strict router.
        return () if proxy is None else (NameAddr(proxy if proxy.lr else proxy.with_params(lr=None)),)
