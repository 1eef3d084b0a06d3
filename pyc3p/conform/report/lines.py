"""A report as JSON, one object a line: the run, each case, the sum."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from pyc3p.conform.findings import Found, Outcome, Report, Verdict


def as_lines(report: Report) -> Iterator[dict[str, object]]:
    """The whole report."""
    yield {
        "kind": "run",
        "target": report.target,
        "server": report.server,
        "version": report.version,
        "started": report.started,
        "traits": list(report.traits),
        "lacks": report.lacks,
    }
    for outcome in report.outcomes:
        yield outcome_line(outcome, report.known)
    yield {
        "kind": "sum",
        "seconds": round(report.seconds, 1),
        "findings": [each.id for _, each in report.findings()],
        "new": [each.id for each in report.new()],
        **{each.value: report.count(each) for each in Verdict},
    }


def outcome_line(outcome: Outcome, known: frozenset[str] = frozenset()) -> dict[str, object]:
    """One case."""
    case = outcome.case
    return {
        "kind": "case",
        "case": case.id,
        "clause": case.clause,
        "force": case.force.value,
        "wanted": case.wanted,
        "verdict": outcome.verdict.value,
        "why": outcome.why,
        "seconds": round(outcome.seconds, 3),
        "findings": [_finding(each, known) for each in outcome.found],
    }


def _finding(found: Found, known: frozenset[str]) -> dict[str, object]:
    return attrs.asdict(found) | {"force": found.force.value, "key": found.key, "known": found.key in known}
