"""What is asked of ``pyc3p invite``."""

from __future__ import annotations

import attrs

from pyc3p.commands.own_sound import OwnSound
from pyc3p.commands.presenter import Access


@attrs.frozen(kw_only=True)
class InviteOptions(Access):
    """What was asked for at the command line."""

    targets: tuple[str, ...]  #: SIP addresses to call
    conference: str | None = None  #: Conference-URI or link to join; None: a new one
    passcode: str | None = attrs.field(default=None, repr=False)  #: of that conference; then ``aor`` names nobody
    subject: str = ""
    pace: float = 0.0  #: seconds from one call to the next
    stay: float | None = None  #: seconds after which the conference is ended, or left
    chat: bool = False  #: take part in the chat from the start
    keep: bool = False  #: leave in place of ending what we created
    sound: OwnSound | None = None  #: what we say and hear; None: we look after the conference and are not heard
