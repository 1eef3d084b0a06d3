"""The options of ``pyc3p conform``."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import click

from pyc3p.commands.parameters import FILE, SECONDS, credentials_option
from pyc3p.problems import UsageProblem


@click.group("conform")
def conform_command() -> None:
    """Try whether a server of anybody's does what the standards ask for, over real sockets."""


@conform_command.command("sip")
@click.argument("target", required=False)
@click.option("--domain", help="SIP domain of users there.  [default: the host, with a port that is not the usual one]")
@click.option("--user", help="Whom to call there.  [default: the address itself]")
@click.option("--event", help="Event package to subscribe to.  [default: those that it names, then the usual ones]")
@click.option("--select", multiple=True, metavar="ID|CLAUSE", help="Only cases that begin so; repeatable.")
@click.option("--replay", metavar="ID", help="Try the case of a finding again, and show its ladder.")
@click.option("--list", "listed", is_flag=True, help="List the cases.")
@click.option("--baseline", type=FILE, help="File of findings that are known, and no failure.")
@click.option("--write-baseline", type=FILE, help="Write what was found to such a file.")
@click.option("--html", type=FILE, help="Write a page with a ladder for each finding.")
@click.option("--junit", type=FILE, help="Write JUnit XML for CI.")
@click.option(
    "--fail-on",
    type=click.Choice(["must", "should", "never"]),
    default="must",
    show_default=True,
    help="New findings that make the exit code 1.",
)
@click.option("--patience", type=SECONDS, default=4.0, show_default=True, help="Seconds to wait for a response.")
@click.option("--limit", type=SECONDS, default=600.0, show_default=True, help="Seconds for all cases together.")
@click.option(
    "--rate", type=click.FloatRange(0.1, 10_000), default=200.0, show_default=True, help="Messages a second, at most."
)
@click.option("--slow", is_flag=True, help="Run cases that take long, too.")
@click.option("--foreign", metavar="HOST", help="Name the host a second time, if it is in no network of yours.")
@click.option("--ca", help="PEM file with who may certify the server, over tls.  [default: those this system trusts]")
@credentials_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def conform_sip_command(
    target: str | None,
    domain: str | None,
    user: str | None,
    event: str | None,
    patience: float,
    rate: float,
    ca: str | None,
    credentials: Path | None,
    listed: bool,
    select: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> int:
    """Try the SIP element at TARGET: udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT.

    What it is, is found out by asking: whether it answers, takes registrations, passes requests on, takes calls and
    subscriptions. Cases for that are tried one after the other; each leaves things as they were. With a password, from
    --credentials, or PYC3P_USERNAME and PYC3P_PASSWORD, the user of that name is registered and called.
    """
    from pyc3p.commands.conform import ConformOptions, list_cases, run_conform
    from pyc3p.commands.credentials import open_wallet
    from pyc3p.conform import BenchSettings, parse_sip_target

    if listed:
        return list_cases(select, as_json=as_json)
    if target is None:
        raise UsageProblem("name a target: udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT")
    found = parse_sip_target(target, domain=domain, user=user)
    wallet = open_wallet(credentials)
    name = wallet.name_at(found.domain)
    tls = _context(ca) if found.transport == "TLS" else None
    if ca and tls is None:
        raise UsageProblem("--ca says who may certify the server, which needs a target over tls")
    bench = BenchSettings(patience=max(patience, 0.1), rate=rate, user=name, tls=tls, event=event)
    return run_conform(
        ConformOptions(target=found, select=select, as_json=as_json, bench=bench, wallet=wallet, **given)
    )


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageProblem(f"{ca} has no certificates: {error}") from error
