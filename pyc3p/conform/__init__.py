"""Conformance of other people's servers, over real sockets: ``pyc3p conform``.

A case is one function (`case`); `Run` tries those that apply to a target and makes a `Report`, which `render_html`,
`render_junit` and `as_lines` write down.
"""

from __future__ import annotations

from pyc3p.conform.bench import Bench, BenchSettings, Facts
from pyc3p.conform.call import Call, place_call
from pyc3p.conform.case import ANY, STREAMS, Blame, Case, NotApplicable, Trait, add_case, blame, case, known_cases, skip
from pyc3p.conform.cases.sip import sip_cases
from pyc3p.conform.corpus import CORPUS
from pyc3p.conform.corpus.odd import Odd
from pyc3p.conform.findings import Found, Outcome, Report, Verdict
from pyc3p.conform.peer import Exchange, Peer
from pyc3p.conform.report.html import render_html
from pyc3p.conform.report.junit import render_junit
from pyc3p.conform.report.lines import as_lines
from pyc3p.conform.running import Plan, Run, chosen
from pyc3p.conform.target import Target, parse_sip_target
from pyc3p.conform.wire import Arrival

__all__ = [
    "ANY",
    "CORPUS",
    "STREAMS",
    "Arrival",
    "Bench",
    "BenchSettings",
    "Blame",
    "Call",
    "Case",
    "Exchange",
    "Facts",
    "Found",
    "NotApplicable",
    "Odd",
    "Outcome",
    "Peer",
    "Plan",
    "Report",
    "Run",
    "Target",
    "Trait",
    "Verdict",
    "add_case",
    "as_lines",
    "blame",
    "case",
    "chosen",
    "known_cases",
    "parse_sip_target",
    "place_call",
    "render_html",
    "render_junit",
    "sip_cases",
    "skip",
]
