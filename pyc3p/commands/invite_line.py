"""What a command line of ``pyc3p invite`` means: whom to ask, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import focus
import sip
from pyc3p.commands.addresses import parse_address, parse_conference, parse_target, server_for, without_port
from pyc3p.commands.credentials import open_wallet, read_passcode
from pyc3p.commands.invite_options import InviteOptions
from pyc3p.commands.own_sound import OwnSound
from pyc3p.elements.tls import SipTls
from pyc3p.problems import UsageProblem
from sip.aio import live_entropy

#: Who we are where nobody asks.
PRESENTER: Final = "presenter"


def read_line(
    *,
    target: tuple[str, ...],
    server: str | None,
    identity: str | None,
    display_name: str | None,
    conference: str | None,
    passcode: bool,
    subject: str,
    tls: bool,
    secured: Callable[[bool], SipTls | None],
    credentials: Path | None,
    pace: float,
    stay: float | None,
    keep: bool,
    chat: bool,
    rejoin_for: float,
    audio: str | None,
    record: Path | None,
) -> InviteOptions:
    """The options of a conference; raises UsageProblem. A passcode is asked for last, when all else is right."""
    people = [parse_target(each) for each in target]
    there = parse_conference(conference) if conference else None
    if there is None:
        if passcode:
            raise UsageProblem("--passcode is for a conference that is there: name it with --conference")
        if not people and not server:
            raise UsageProblem(
                "who is to be called? Name people such as sip:bob@127.0.0.1, or join a --conference; with --server "
                "alone phones call in"
            )
    if passcode and identity is not None:
        raise UsageProblem("guests say who they are with --name alone: leave out --as, or --passcode")
    tls = tls or bool(identity and identity.lower().startswith("sips:"))
    port = 5061 if tls else 5060
    if server:
        where = parse_address(server, default_port=port, option="--server")
    else:
        where = server_for(people or ([sip.Uri.parse(there)] if there else []), default_port=port)
    wallet = open_wallet(credentials, default_username=parse_target(identity).user if identity else None)
    if passcode:
        aor = focus.guest_aor(live_entropy())
    elif identity:
        aor = str(parse_target(identity))
    else:
        aor = str(sip.Uri("sip", where[0], wallet.name_at(where[0]) or PRESENTER))
    return InviteOptions(
        targets=tuple(str(without_port(each, where)) for each in people),
        server=where,
        aor=aor,
        named=passcode or identity is not None,
        wallet=wallet,
        tls=secured(tls),
        display_name=display_name,
        conference=there,
        subject=subject,
        pace=pace,
        stay=stay,
        keep=keep,
        chat=chat,
        rejoin_for=rejoin_for,
        sound=OwnSound.read(audio, record),
        passcode=read_passcode() if passcode else None,
    )
