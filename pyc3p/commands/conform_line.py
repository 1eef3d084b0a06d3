"""The options of ``pyc3p conform``."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from pyc3p.commands.parameters import FILE, SECONDS, credentials_option
from pyc3p.problems import UsageProblem

#: The secret by which an MCU knows its Focus, and that of another Focus.
SECRET: Final = "PYC3P_SECRET"
OTHER_SECRET: Final = "PYC3P_OTHER_SECRET"


@click.group("conform")
def conform_command() -> None:
    """Try whether a server of anybody's does what the standards ask for, over real sockets."""


_OPTIONS: Final = (
    click.option("--select", multiple=True, metavar="ID|CLAUSE", help="Only cases that begin so; repeatable."),
    click.option("--replay", metavar="ID", help="Try the case of a finding again, and show its ladder."),
    click.option("--list", "listed", is_flag=True, help="List the cases."),
    click.option("--baseline", type=FILE, help="File of findings that are known, and no failure."),
    click.option("--write-baseline", type=FILE, help="Write what was found to such a file."),
    click.option("--html", type=FILE, help="Write a page with a ladder for each finding."),
    click.option("--junit", type=FILE, help="Write JUnit XML for CI."),
    click.option(
        "--fail-on",
        type=click.Choice(["must", "should", "ours", "never"]),
        default="must",
        show_default=True,
        help="New findings that make the exit code 1.",
    ),
    click.option("--patience", type=SECONDS, default=4.0, show_default=True, help="Seconds to wait for a response."),
    click.option("--limit", type=SECONDS, default=600.0, show_default=True, help="Seconds for all cases together."),
    click.option(
        "--rate",
        type=click.FloatRange(0.1, 10_000),
        default=200.0,
        show_default=True,
        help="Messages a second, at most.",
    ),
    click.option("--slow", is_flag=True, help="Run cases that take long, too."),
    click.option("--ours", is_flag=True, help="Hold it to conventions of pyc3p, too, which nobody has to follow."),
    click.option("--foreign", metavar="HOST", help="Name the host a second time, if it is in no network of yours."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines."),
)


def _run_options(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_ca_option = click.option(
    "--ca", help="PEM file with who may certify the server, over TLS.  [default: those this system trusts]"
)


@conform_command.command("sip")
@click.argument("target", required=False)
@click.option("--domain", help="SIP domain of users there.  [default: the host, with a port that is not the usual one]")
@click.option("--user", help="Whom to call there.  [default: the address itself]")
@click.option("--event", help="Event package to subscribe to.  [default: those that it names, then the usual ones]")
@_run_options
@_ca_option
@credentials_option
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


@conform_command.command("focus")
@click.argument("target", required=False)
@click.option(
    "--server", help="Where requests go: tcp:HOST:PORT, udp: or tls:.  [default: the host of TARGET, over tcp]"
)
@click.option("--as", "identity", help="Who organizes, such as sip:ann@example.com.  [default: the user of TARGET]")
@click.option("--attendee", help="A second user, who may join.  [default: conform-attendee there]")
@click.option("--attendee-credentials", type=FILE, help="TOML file with name and password of the second user.")
@_run_options
@_ca_option
@credentials_option
def conform_focus_command(
    target: str | None,
    server: str | None,
    identity: str | None,
    attendee: str | None,
    attendee_credentials: Path | None,
    patience: float,
    rate: float,
    ca: str | None,
    credentials: Path | None,
    listed: bool,
    select: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> int:
    """Try the Focus of TARGET: an organizer (sip:ann@example.com), its Focus Factory's URI, or a Conference-URI.

    Conferences are made at the Focus Factory and deleted afterwards; of one that is named nothing but its
    activations. Two users join, command and follow it, and phones of the kit are called. A password comes from
    --credentials, PYC3P_USERNAME and PYC3P_PASSWORD, or the terminal.
    """
    from pyc3p.commands.conform import ConformOptions, list_cases, run_conform
    from pyc3p.commands.credentials import open_wallet
    from pyc3p.conform import BenchSettings, focus_kind, parse_focus_target
    from sip import DigestClient, aor_key
    from sip.aio import live_entropy

    if listed:
        return list_cases(select, as_json=as_json, suite="focus")
    if target is None:
        raise UsageProblem("name a target: sip:ann@example.com, a Focus Factory's URI or a Conference-URI")
    found = parse_focus_target(target, server=server, identity=identity, attendee=attendee)
    tls = _context(ca) if found.transport == "TLS" else None
    if ca and tls is None:
        raise UsageProblem("--ca says who may certify the server, which needs one over tls")
    second = open_wallet(attendee_credentials, environment={}) if attendee_credentials is not None else None
    digests = {aor_key(found.attendee): DigestClient(second.find, entropy=live_entropy())} if second else {}
    return run_conform(
        ConformOptions(
            target=found,
            kind=focus_kind(digests),
            select=select,
            as_json=as_json,
            bench=BenchSettings(patience=max(patience, 0.1), rate=rate, tls=tls),
            wallet=open_wallet(credentials, default_username=found.organizer.user),
            asks_for_passwords=True,
            **given,
        )
    )


@conform_command.command("mcu")
@click.argument("target", required=False)
@click.option("--as", "identity", help="Whose conferences are made there, such as sip:ann@example.com.")
@click.option("--type", "kind", default="audio-video", show_default=True, help="Type of the MCU.")
@_run_options
@_ca_option
@click.option("--certificate", type=FILE, help="PEM file with which the kit proves that it is the Focus, over TLS.")
@click.option("--key", type=FILE, help="PEM file with its key.  [default: in that of the certificate]")
def conform_mcu_command(
    target: str | None,
    identity: str | None,
    kind: str,
    patience: float,
    rate: float,
    ca: str | None,
    certificate: Path | None,
    key: Path | None,
    listed: bool,
    select: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> int:
    """Try the MCU at TARGET, http://HOST:PORT/PATH: the kit is its Focus, and the phones that it calls.

    What it reports is posted to a port of the kit. PYC3P_SECRET is the secret by which it knows its Focus;
    PYC3P_OTHER_SECRET that of another Focus which it knows.
    """
    from pyc3p.commands.conform import ConformOptions, list_cases, run_conform
    from pyc3p.conform import MCU, BenchSettings, parse_mcu_target

    if listed:
        return list_cases(select, as_json=as_json, suite="mcu")
    if target is None:
        raise UsageProblem("name a target: http://HOST:PORT/PATH")
    if (ca or certificate) and not target.startswith("https:"):
        raise UsageProblem("--ca and --certificate are for an MCU at an https URL")
    tls = _context(ca, certificate, key) if target.startswith("https:") else None
    found = parse_mcu_target(
        target,
        organizer=identity,
        kind=kind,
        secret=os.environ.get(SECRET, ""),
        other_secret=os.environ.get(OTHER_SECRET, ""),
        tls=tls,
    )
    bench = BenchSettings(patience=max(patience, 0.1), rate=rate)
    return run_conform(ConformOptions(target=found, kind=MCU, select=select, as_json=as_json, bench=bench, **given))


def _context(ca: str | None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageProblem(f"{ca or certificate} cannot be used: {error}") from error
    return context
