"""A Focus as what is tried."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from pyc3p.conform.case import Trait
from pyc3p.conform.conference.bench import FocusBench, Ground
from pyc3p.conform.conference.judging import judged_focus
from pyc3p.conform.conference.probing import probe_focus
from pyc3p.conform.conference.tidying import tidy_focus
from pyc3p.conform.kind import Kind

if TYPE_CHECKING:
    from pyc3p.conform.bench import Facts
    from sip import DigestClient


def focus_kind(digests: Mapping[str, DigestClient] | None = None) -> Kind:
    """For one run; ``digests`` answer challenges to further users than the organizer, by the key of their address."""
    return Kind(
        name="focus",
        make=partial(FocusBench, ground=Ground(), digests=digests),
        probe=probe_focus,
        judged=judged_focus,
        tidy=tidy_focus,
        gone=_gone,
    )


def _gone(facts: Facts) -> str:
    return f"RFC 3261 section {'11' if Trait.ELEMENT in facts.traits else '17.2.1'}"
