"""What is asked of ``pyc3p invite``."""

from __future__ import annotations

import attrs

from pyc3p.commands.credentials import Wallet
from pyc3p.commands.own_sound import OwnSound
from pyc3p.elements.tls import SipTls


@attrs.frozen(kw_only=True)
class InviteOptions:
    """What was asked for at the command line."""

    targets: tuple[str, ...]  #: SIP addresses to call
    server: tuple[str, int]  #: where the Focus is
    aor: str  #: who we are
    named: bool = True  #: whether that was said; if not, it is whoever has the password that is asked for
    display_name: str | None = None
    conference: str | None = None  #: Conference-URI or link to join; None: a new one
    passcode: str | None = attrs.field(default=None, repr=False)  #: of that conference; then ``aor`` names nobody
    subject: str = ""
    stay: float | None = None  #: seconds after which the conference is ended, or left
    keep: bool = False  #: leave in place of ending what we created
    rejoin_for: float = 300.0  #: seconds for which a server that is lost is tried again; 0: not at all
    wallet: Wallet = attrs.field(factory=Wallet, repr=False)  #: for servers that ask who we are
    tls: SipTls | None = None  #: the server is asked over TLS, and has to prove its name
    sound: OwnSound | None = None  #: what we say and hear; None: we look after the conference and are not heard
