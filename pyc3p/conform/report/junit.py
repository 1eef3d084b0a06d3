"""A report as JUnit XML, which every CI shows."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from xml.etree import ElementTree as ET

from pyc3p.conform.findings import Found, Outcome, Report, Verdict
from pyc3p.conform.report.html import MOST_STEPS, story_of
from sip.testing import Force

#: What XML 1.0 has no place for (section 2.2).
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report, *, fails: Collection[Force] = (Force.MUST,)) -> str:
    """The XML. A failure is what is new and has one of the forces ``fails``; the rest is told in ``system-out``."""
    suite = ET.Element(
        "testsuite",
        name=f"pyc3p conform {report.target}",
        tests=str(len(report.outcomes)),
        failures=str(sum(_fails(each, report, fails) for each in report.outcomes)),
        errors=str(report.count(Verdict.BROKEN)),
        skipped=str(report.count(Verdict.SKIPPED) + report.count(Verdict.NOT_RUN)),
        time=f"{report.seconds:.3f}",
        timestamp=report.started,
    )
    for outcome in report.outcomes:
        suite.append(_test(outcome, report, fails))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _failing(outcome: Outcome, report: Report, fails: Collection[Force]) -> list[Found]:
    return [each for each in outcome.found if each.key not in report.known and each.force in fails]


def _fails(outcome: Outcome, report: Report, fails: Collection[Force]) -> bool:
    return outcome.verdict is not Verdict.BROKEN and bool(_failing(outcome, report, fails))


def _test(outcome: Outcome, report: Report, fails: Collection[Force]) -> ET.Element:
    family, _, name = outcome.case.id.partition(".")
    test = ET.Element("testcase", classname=f"conform.{family}", name=name, time=f"{outcome.seconds:.3f}")
    failing = _failing(outcome, report, fails)
    if outcome.verdict is Verdict.BROKEN:
        ET.SubElement(test, "error", message="the case itself failed").text = _clean(outcome.why)
    elif failing:
        more = [_line(each) for each in failing[1:]]
        text = "\n".join((*more, report.replay(failing[0]), "", story_of(outcome, most=MOST_STEPS)))
        ET.SubElement(test, "failure", message=_clean(_line(failing[0]))).text = _clean(text)
    elif outcome.verdict in (Verdict.SKIPPED, Verdict.NOT_RUN):
        ET.SubElement(test, "skipped", message=_clean(outcome.why))
    others = [
        f"{_line(each)} ({'known' if each.key in report.known else 'no failure here'})\n{report.replay(each)}\n"
        for each in outcome.found
        if each not in failing
    ]
    if others:
        ET.SubElement(test, "system-out").text = _clean("".join(others))
    return test


def _line(found: Found) -> str:
    return f"{found.source}: {found.force.value}: {found.clause}; seen: {found.seen}"


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
