"""The command line of ``pyc3p conference``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import sip
from pyc3p.commands.addresses import parse_address, parse_conference, parse_target, server_for
from pyc3p.commands.parameters import ca_option, credentials_option, secured, tls_option
from pyc3p.problems import UsageProblem

if TYPE_CHECKING:
    from pyc3p.commands.errand import ErrandOptions

#: What can be done, and the words that follow the conference.
WORDS: Final = {
    "list": 0,
    "show": 0,
    "lock": 0,
    "unlock": 0,
    "mute-all": 0,
    "unmute-all": 0,
    "end": 0,
    "announcements": 1,
    "add": 1,
    "mute": 1,
    "unmute": 1,
    "hold": 1,
    "resume": 1,
    "eject": 1,
    "presenter": 1,
    "attendee": 1,
    "admit": 1,
    "deny": 1,
    "keys": 2,
    "gain": 2,
}


@click.command("conference")
@click.argument("verb", type=click.Choice(list(WORDS)), metavar="COMMAND")
@click.argument("words", nargs=-1, metavar="[CONFERENCE] [WORD]...")
@click.option("--server", help="Focus, as host or host:port.  [default: the host of the conference, port 5060]")
@click.option("--as", "identity", required=True, help="Who you are, such as sip:alice@127.0.0.1.")
@tls_option
@ca_option
@credentials_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def conference_command(
    verb: str,
    words: tuple[str, ...],
    server: str | None,
    identity: str,
    tls: bool,
    ca: str | None,
    credentials: Path | None,
    as_json: bool,
) -> int:
    """Do one thing to a CONFERENCE (its URI or link), for scripts: join, do it, leave.

    list (your conferences), show, add ADDRESS, mute, unmute, hold, resume, eject, presenter, attendee, admit, deny
    NAME, keys NAME 42#, gain NAME 150, mute-all, unmute-all, lock, unlock, announcements on|off, end.

    NAME is the start of a name or an address in the roster. The exit code is 0 when it was done, else 1.

    A password that is asked for comes from --credentials, PYC3P_USERNAME and PYC3P_PASSWORD, or the terminal.
    """
    from pyc3p.commands.errand import run_errand

    options = _read(verb, words, server=server, identity=identity, tls=tls, ca=ca, credentials=credentials)
    return run_errand(options, as_json=as_json)


def _read(
    verb: str,
    words: tuple[str, ...],
    *,
    server: str | None,
    identity: str,
    tls: bool,
    ca: str | None,
    credentials: Path | None,
) -> ErrandOptions:
    """What is to be done; raises UsageProblem."""
    from pyc3p.commands.credentials import open_wallet
    from pyc3p.commands.errand import ErrandOptions

    listing = verb == "list"
    expected = WORDS[verb] + (not listing)
    if len(words) != expected:
        what = "no word" if listing else f"a conference{' and more' if expected > 1 else ''}"
        raise UsageProblem(f"{verb} is followed by {what}: {expected} in all, not {len(words)}")
    there = None if listing else parse_conference(words[0])
    who = parse_target(identity)
    tls = tls or who.scheme == "sips"
    port = 5061 if tls else 5060
    where = (
        parse_address(server, default_port=port, option="--server")
        if server
        else server_for([who if there is None else sip.Uri.parse(there)], default_port=port)
    )
    return ErrandOptions(
        line=" ".join(("roster" if verb == "show" else verb, *words[1:])),
        conference=there,
        server=where,
        aor=str(who),
        wallet=open_wallet(credentials, default_username=who.user),
        tls=secured(tls=tls, ca=ca),
    )
