"""A report as one HTML page that needs nothing else: filters, and a ladder for each finding.

Whatever a target has sent is text on it, never markup; the page runs one script of its own and no other, and loads
nothing, which its Content-Security-Policy says to the browser too.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator
from typing import Final

from pyc3p.conform.findings import TARGET, Found, Outcome, Report, Verdict
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_svg import render_svg
from pyc3p.trace.ladder_text import render_text
from pyc3p.trace.trace import Names, Record

#: Lines of a ladder on the page; a case that sends thousands of messages shows the last ones.
MOST_STEPS: Final = 60
#: Octets of a message that are shown whole.
MOST_OCTETS: Final = 4000

_STYLE: Final = """
:root{color-scheme:light}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;
color:#1f2328;background:#fff}h1{font-size:1.5rem}code,pre{font-family:ui-monospace,Menlo,Consolas,monospace}
.cf-finding{border:1px solid #d0d7de;border-radius:6px;margin:1rem 0;padding:.8rem 1rem}
.cf-force{font-weight:600;padding:.1rem .4rem;border-radius:4px;border:1px solid}
.cf-MUST{color:#9b1c14}.cf-SHOULD{color:#7a5600}.cf-known{color:#57606a}
.cf-filters{display:flex;gap:1rem;flex-wrap:wrap;align-items:center;margin:1rem 0}
.cf-filters label{display:flex;gap:.35rem;align-items:center}
.cf-ladder{overflow-x:auto}pre{background:#f6f8fa;padding:.6rem;overflow-x:auto;white-space:pre-wrap;
overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d0d7de;
vertical-align:top}[hidden]{display:none}
"""
_SCRIPT: Final = """
const findings=[...document.querySelectorAll('.cf-finding')],rows=[...document.querySelectorAll('tbody tr')];
const force=document.getElementById('force'),clause=document.getElementById('clause'),
known=document.getElementById('known'),verdict=document.getElementById('verdict'),count=document.getElementById('count');
function show(){let shown=0;const c=clause.value.toLowerCase();
for(const f of findings){const on=(!force.value||f.dataset.force===force.value)&&
f.dataset.clause.toLowerCase().includes(c)&&(known.checked||f.dataset.known==='no');f.hidden=!on;shown+=on}
for(const r of rows){r.hidden=!((!verdict.value||r.dataset.verdict===verdict.value)&&
r.dataset.clause.toLowerCase().includes(c))}
count.textContent=shown+' of '+findings.length+' findings'}
for(const e of [force,clause,known,verdict])e.addEventListener('input',show);show();
"""


def render_html(report: Report) -> str:
    """The page."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    title = f"Conformance of {report.target}"
    return "\n".join(
        (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{_text(title)}</h1>",
            *_head(report),
            *_filters(report),
            *(part for outcome, found in report.findings() for part in _finding(outcome, found, report)),
            *_cases(report),
            f"<script>{_SCRIPT}</script></body></html>\n",
        )
    )


def _head(report: Report) -> Iterator[str]:
    server = f", which calls itself <code>{_text(report.server)}</code>" if report.server else ""
    yield f"<p>{_text(report.started)}, pyc3p {_text(report.version)}{server}.</p><ul>"
    for trait in report.traits:
        yield f"<li>It {_text(trait)}.</li>"
    for trait, why in report.lacks.items():
        yield f"<li>Not seen that it {_text(trait)}: {_text(why)}.</li>"
    counts = ", ".join(f"{report.count(each)} {each.value}" for each in Verdict if report.count(each))
    yield f"</ul><p>{len(report.outcomes)} cases in {report.seconds:.0f} s: {counts}.</p>"


def _filters(report: Report) -> Iterator[str]:
    forces = sorted({found.force.value for _, found in report.findings()})
    options = "".join(f'<option value="{_text(each)}">{_text(each)}</option>' for each in forces)
    verdicts = "".join(f'<option value="{each.value}">{each.value}</option>' for each in Verdict)
    yield (
        '<div class="cf-filters"><label>Severity <select id="force"><option value="">all</option>'
        f"{options}</select></label>"
        '<label>Clause <input id="clause" placeholder="RFC 3261 section 9"></label>'
        f'<label>Cases <select id="verdict"><option value="">all</option>{verdicts}</select></label>'
        '<label><input type="checkbox" id="known" checked>known ones too</label><output id="count"></output></div>'
    )


def _finding(outcome: Outcome, found: Found, report: Report) -> Iterator[str]:
    known = found.key in report.known
    force = found.force.value
    yield (
        f'<section class="cf-finding" id="{_text(found.id)}" data-force="{_text(force)}" '
        f'data-clause="{_text(found.source)}" data-known="{"yes" if known else "no"}">'
        f'<h2><span class="cf-force cf-{_text(force.split()[0])}">{_text(force)}</span> {_text(found.clause)}</h2>'
        f"<p><b>{_text(found.source)}</b>{' <span class=cf-known>(known)</span>' if known else ''}"
        f"<br>Seen: {_text(found.seen)}</p>"
    )
    if outcome.case.why:
        yield f"<p>{_text(outcome.case.why)}</p>"
    yield f"<p><code>{_text(report.replay(found))}</code></p>"
    if outcome.records:
        records = outcome.records[-MOST_STEPS:]
        yield f'<div class="cf-ladder">{render_svg(ladder_of(outcome, records), title=outcome.case.id)}</div>'
        yield "<details><summary>Messages</summary>"
        start = outcome.records[0].at
        for record in records:
            yield f"<p>{record.at - start:.3f} s, {_text(_way(outcome, record))}</p>"
            yield f"<pre>{_text(shown(record.data))}</pre>"
        yield "</details>"
    yield "</section>"


def _way(outcome: Outcome, record: Record) -> str:
    names = _names(outcome)
    return f"{names.label(record.source)} to {names.label(record.destination)} ({record.transport})"


def _cases(report: Report) -> Iterator[str]:
    yield "<h2>Cases</h2><table><thead><tr><th>Case<th>Clause<th>Wanted<th>Verdict</tr></thead><tbody>"
    for outcome in report.outcomes:
        case = outcome.case
        why = f": {outcome.why}" if outcome.why and outcome.verdict is not Verdict.BROKEN else ""
        yield (
            f'<tr data-verdict="{outcome.verdict.value}" data-clause="{_text(case.clause)}"><td><code>{_text(case.id)}'
            f"</code><td>{_text(case.clause)}, {_text(case.force.value)}<td>{_text(case.wanted)}"
            f"<td>{outcome.verdict.value}{_text(why)}</tr>"
        )
    yield "</tbody></table>"


def _names(outcome: Outcome) -> Names:
    order = sorted(set(outcome.names.values()), key=lambda name: (name == TARGET, name))
    mine = [name for name in order if name != TARGET]
    names = Names([*mine[:1], *[name for name in order if name == TARGET], *mine[1:]])
    for address, name in outcome.names.items():
        names.add(name, address)
    return names


def ladder_of(outcome: Outcome, records: tuple[Record, ...] | None = None) -> Ladder:
    """The ladder of a case."""
    return Ladder.of(outcome.records if records is None else records, _names(outcome))


def story_of(outcome: Outcome, *, most: int | None = None) -> str:
    """The ladder of a case as text; of its last messages where ``most`` is given."""
    records = outcome.records if most is None else outcome.records[-most:]
    return render_text(ladder_of(outcome, records), title=outcome.case.id)


def shown(data: bytes) -> str:
    """A message as text; what is no text is escaped."""
    text = data[:MOST_OCTETS].decode("utf-8", "backslashreplace")
    rest = f"\n... {len(data) - MOST_OCTETS} more octets" if len(data) > MOST_OCTETS else ""
    return "".join(each if each.isprintable() or each in "\n\t" else _escaped(each) for each in text) + rest


def _escaped(character: str) -> str:
    return "" if character == "\r" else repr(character)[1:-1]


def _text(text: str) -> str:
    return html.escape(text, quote=True)
