"""A conferencing client that can be heard."""

from __future__ import annotations

import focus
import sip
from pyc3p.element import Element, HookedPump
from pyc3p.elements.parts import Lookup, Place


def participant(
    place: Place, config: focus.ClientConfig, *, entropy: sip.Entropy, credentials: Lookup | None = None
) -> tuple[Element, focus.Client, sip.UserAgent]:
    """A conferencing client with a user agent beside it, for sound of its own (`focus.Client.call_mcu`)."""
    endpoint = place.endpoint(entropy, credentials=credentials)
    core = focus.Client(endpoint, config, entropy=entropy.child("client"))
    account = sip.Account(aor=config.aor, display_name=config.display_name, proxies=config.outbound_proxy or ())
    calls = sip.UserAgentConfig(accounts=account, owner="calls", ring=False)
    agent = sip.UserAgent(endpoint, calls, entropy=entropy.child("calls"))
    return Element.of(place.name, pump=HookedPump(endpoint, [core, agent])), core, agent
