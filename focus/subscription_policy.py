"""Who may subscribe to a conference, and for how long (RFC 4575 section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from focus import refusal
from focus.config import FocusConfig
from focus.participant import Participant
from focus.refusal import Refused
from sip import Flow

NOT_JOINED: Final = refusal.NOT_AUTHORISED.saying("Join the Focus first")


def granted_expires(asked: int | None, config: FocusConfig) -> int:
    """Seconds for which a subscription is granted. The endpoint has refused times that are too short (423)."""
    return config.subscription_expires if asked is None else min(asked, config.subscription_expires)


def check_subscriber(present: Sequence[Participant], flow: Flow) -> None:
    """A subscriber has a Focus dialog. Raises Refused: 403.

    Over UDP it must come from where it joined: a whole roster is not sent to an address that nothing has come from
    (docs/design-decisions.rst).
    """
    if not present:
        raise Refused(NOT_JOINED)
    if not flow.reliable and all(one.host != flow.remote.host for one in present):
        raise Refused(refusal.NOT_AUTHORISED.saying("Subscribe from where you joined"))
