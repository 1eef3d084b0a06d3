"""From an address in a command to what is really called."""

from __future__ import annotations

from mcu.config import McuConfig
from mcu.leg import Attempt
from mcu.telephone_number import number_in
from sip import NameAddr, SipError, Uri

__all__ = ["Targets", "number_or_user"]


def number_or_user(uri: Uri) -> str | None:
    """What a policy looks at: the digits of a ``tel:`` URI, the user part of any other."""
    if uri.scheme != "tel":
        return uri.user
    number = number_in(uri)
    return None if number is None else number.digits


class Targets:
    """Pure: the same address always gives the same attempt."""

    def __init__(self, config: McuConfig) -> None:
        self._gateways = config.gateways
        self._proxy = self._route(config.outbound_proxy)
        self._secure_proxy = self._route(config.secure_outbound_proxy or config.outbound_proxy)

    def attempt(self, uri: Uri) -> Attempt | None:
        """How ``uri`` is called, ``None`` when there is no way: no gateway for the number, or not an address."""
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

    @staticmethod
    def _route(proxy: Uri | None) -> tuple[NameAddr, ...]:
        # RFC 3261 section 16.12.1.1: without lr the proxy would be taken for a strict router.
        return () if proxy is None else (NameAddr(proxy if proxy.lr else proxy.with_params(lr=None)),)
