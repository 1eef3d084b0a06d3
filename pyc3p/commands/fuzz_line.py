"""The options of ``pyc3p fuzz``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from pyc3p.commands.parameters import FILE, SECONDS

F = TypeVar("F", bound=Callable[..., Any])
#: The secret that C3P is posted with.
SECRET: Final = "PYC3P_SECRET"


@click.group("fuzz")
def fuzz_command() -> None:
    """Send altered traffic to a server of anybody's while a valid call goes on, and cut down what breaks it."""


def _options(command: F) -> F:
    for option in reversed(
        (
            click.option("--for", "seconds", type=SECONDS, default=60.0, show_default=True, help="Seconds of it."),
            click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="What is sent."),
            click.option(
                "--rate", type=click.FloatRange(0.1, 100_000), default=200.0, show_default=True, help="A second."
            ),
            click.option("--patience", type=SECONDS, default=4.0, show_default=True, help="Seconds for an answer."),
            click.option(
                "--cutting", type=SECONDS, default=300.0, show_default=True, help="Seconds to cut down what broke it."
            ),
            click.option("--start", metavar="COMMAND", help="Start the program, and again whenever it broke."),
            click.option(
                "--keep", type=FILE, default=Path("broken.json"), show_default=True, help="File for what broke it."
            ),
            click.option("--replay", type=FILE, help="Send the inputs of such a file, and no others."),
            click.option(
                "--foreign", metavar="HOST", help="Name the host a second time, if it is in no network of yours."
            ),
            click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines."),
        )
    ):
        command = option(command)
    return command


@fuzz_command.command("sip")
@click.argument("target")
@click.option("--user", help="Whom to call there.  [default: the address itself]")
@click.option("--domain", help="SIP domain of users there.  [default: the host]")
@_options
def fuzz_sip_command(target: str, user: str | None, domain: str | None, **given: Any) -> int:
    """Altered SIP for TARGET: udp:HOST:PORT or tcp:HOST:PORT.

    The canary is a call that goes on there, where calls are taken, and OPTIONS elsewhere. When it falls silent, or the
    program that --start names ends, what was sent is cut down to the fewest octets that do it again.
    """
    from pyc3p.commands.fuzz import FuzzOptions, fuzz_sip
    from pyc3p.conform.target import parse_sip_target

    return fuzz_sip(parse_sip_target(target, domain=domain, user=user), FuzzOptions(**given))


@fuzz_command.command("rtp")
@click.argument("target")
@click.option("--user", help="Whom to call there.  [default: the address itself]")
@_options
def fuzz_rtp_command(target: str, user: str | None, **given: Any) -> int:
    """Altered RTP and RTCP for the ports of a call with TARGET, udp:HOST:PORT or tcp:HOST:PORT of its SIP."""
    from pyc3p.commands.fuzz import FuzzOptions, fuzz_rtp
    from pyc3p.conform.target import parse_sip_target

    return fuzz_rtp(parse_sip_target(target, user=user), FuzzOptions(**given))


@fuzz_command.command("c3p")
@click.argument("target")
@_options
def fuzz_c3p_command(target: str, **given: Any) -> int:
    """Altered C3P for TARGET, http://HOST:PORT/PATH. PYC3P_SECRET is the secret that it is posted with."""
    from pyc3p.commands.fuzz import FuzzOptions, fuzz_c3p
    from pyc3p.fuzz.c3p_attack import parse_http_target

    return fuzz_c3p(parse_http_target(target, secret=os.environ.get(SECRET, "")), FuzzOptions(**given))
