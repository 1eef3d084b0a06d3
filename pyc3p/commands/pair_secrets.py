"""``pyc3p pair-secrets``: what one part is given in place of the root secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from c3p import pair_secret
from pyc3p.elements.principals import SHORTEST_ROOT
from pyc3p.problems import UsageProblem
from pyc3p.settings.c3p import check_principal, check_workers
from pyc3p.settings.loading import load_config


def pair_secrets(root: str, name: str, others: Sequence[str]) -> Iterator[str]:
    """Lines for the settings file of ``name``, with its secrets and nobody else's. Raises UsageProblem."""
    if len(root) < SHORTEST_ROOT:
        raise UsageProblem(
            f"the root secret must have {SHORTEST_ROOT} characters or more; set PYC3P_SECRET, or secret in the file of "
            "--config; `openssl rand -hex 32` makes a good one"
        )
    for each in (name, *others):
        check_principal(each, what="the name")
    check_workers((name, *others))
    if name in others:
        raise UsageProblem(f"{name} needs no secret with itself; name others with --with")
    yield f"# The secrets of {name}: for its settings file, which only its owner may read (chmod 600)."
    for other in dict.fromkeys(others):
        yield ""
        yield "[[c3p.peers]]"
        yield f'name = "{other}"'
        yield f'secret = "{pair_secret(root, name, other)}"'


def run_pair_secrets(name: str, others: Sequence[str], config_file: Path | None) -> int:
    """Print them. Raises UsageProblem."""
    lines = list(pair_secrets(load_config(config_file, {}).root or "", name, others))
    for line in lines:
        click.echo(line)
    return 0
