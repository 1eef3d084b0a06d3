"""Conformance of other people's servers, over real sockets: ``pyc3p conform``.

A case is one function (`case`); `Run` tries those that apply to a target and makes a `Report`, which `render_html`,
`render_junit` and `as_lines` write down. A `Kind` is what is tried: `SIP` elements, a Focus (`focus_kind`), an `MCU`.
"""

from __future__ import annotations

from pyc3p.conform.bench import Bench, BenchSettings, Facts
from pyc3p.conform.call import Call, place_call
from pyc3p.conform.case import ANY, STREAMS, Blame, Case, NotApplicable, Trait, add_case, blame, case, known_cases, skip
from pyc3p.conform.cases.focus import focus_cases
from pyc3p.conform.cases.mcu import mcu_cases
from pyc3p.conform.cases.sip import sip_cases
from pyc3p.conform.conference.answers import Answered, Ending
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.kind import focus_kind
from pyc3p.conform.conference.member import Member, Told
from pyc3p.conform.conference.target import FocusTarget, parse_focus_target
from pyc3p.conform.corpus import CORPUS
from pyc3p.conform.corpus.odd import Odd
from pyc3p.conform.findings import Found, Outcome, Report, Verdict
from pyc3p.conform.kind import SIP, AnyTarget, Kind
from pyc3p.conform.mcu.bench import McuBench
from pyc3p.conform.mcu.callback import Callback, Reported
from pyc3p.conform.mcu.http import HttpMessage
from pyc3p.conform.mcu.kind import MCU
from pyc3p.conform.mcu.replies import Replied
from pyc3p.conform.mcu.target import McuTarget, parse_mcu_target
from pyc3p.conform.peer import Exchange, Peer
from pyc3p.conform.phone import Manner, Phone, Ringing
from pyc3p.conform.report.html import render_html
from pyc3p.conform.report.junit import render_junit
from pyc3p.conform.report.lines import as_lines
from pyc3p.conform.running import Plan, Run, chosen
from pyc3p.conform.target import Target, parse_sip_target
from pyc3p.conform.wire import Arrival

__all__ = [
    "ANY",
    "CORPUS",
    "MCU",
    "SIP",
    "STREAMS",
    "Answered",
    "AnyTarget",
    "Arrival",
    "Bench",
    "BenchSettings",
    "Blame",
    "Call",
    "Callback",
    "Case",
    "Ending",
    "Exchange",
    "Facts",
    "FocusBench",
    "FocusTarget",
    "Found",
    "HttpMessage",
    "Kind",
    "Manner",
    "McuBench",
    "McuTarget",
    "Member",
    "NotApplicable",
    "Odd",
    "Outcome",
    "Peer",
    "Phone",
    "Plan",
    "Replied",
    "Report",
    "Reported",
    "Ringing",
    "Run",
    "Target",
    "Told",
    "Trait",
    "Verdict",
    "add_case",
    "as_lines",
    "blame",
    "case",
    "chosen",
    "focus_cases",
    "focus_kind",
    "known_cases",
    "mcu_cases",
    "parse_focus_target",
    "parse_mcu_target",
    "parse_sip_target",
    "place_call",
    "render_html",
    "render_junit",
    "sip_cases",
    "skip",
]
