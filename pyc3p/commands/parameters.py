"""Kinds of values, and options, that several commands take."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyc3p.problems import UsageProblem

if TYPE_CHECKING:
    from pyc3p.elements.tls import SipTls

FILE = click.Path(path_type=Path, dir_okay=False)


class _Seconds(click.FloatRange):
    """A number of seconds that comes to an end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As for any number, but "nan" and "inf" are none."""
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


SECONDS = _Seconds(min=0.0)
PORT = click.IntRange(0, 65535)
SERVER_PORT = click.IntRange(1, 65535)
credentials_option = click.option(
    "--credentials", type=FILE, help="TOML file with name and password by realm, for servers that ask."
)
tls_option = click.option("--tls", is_flag=True, help="Ask the server over TLS.  [default port: 5061]")
ca_option = click.option(
    "--ca", help="PEM file with who may certify the server, with --tls.  [default: those this system trusts]"
)


def secured(*, tls: bool, ca: str | None) -> SipTls | None:
    """TLS towards a server, or none; raises UsageProblem."""
    from pyc3p.elements.tls import SipTls
    from pyc3p.settings.tls import TlsSettings

    if ca and not tls:
        raise UsageProblem("--ca says who may certify the server, which needs --tls")
    return SipTls(TlsSettings(ca=ca or "")) if tls else None
