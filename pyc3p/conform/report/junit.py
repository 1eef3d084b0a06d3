"""A report as JUnit XML, which every CI shows."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from pyc3p.conform.findings import Outcome, Report, Verdict

#: What XML 1.0 has no place for (section 2.2).
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """The XML; a finding that is known is no failure."""
    suite = ET.Element(
        "testsuite",
        name=f"pyc3p conform {report.target}",
        tests=str(len(report.outcomes)),
        failures=str(sum(bool(_new(each, report)) for each in report.outcomes)),
        errors=str(report.count(Verdict.BROKEN)),
        skipped=str(report.count(Verdict.SKIPPED) + report.count(Verdict.NOT_RUN)),
        time=f"{report.seconds:.3f}",
        timestamp=report.started,
    )
    for outcome in report.outcomes:
        suite.append(_test(outcome, report))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _new(outcome: Outcome, report: Report) -> list[str]:
    return [
        f"{each.source}: {each.force.value}: {each.clause}; seen: {each.seen}"
        for each in outcome.found
        if each.key not in report.known
    ]


def _test(outcome: Outcome, report: Report) -> ET.Element:
    family, _, name = outcome.case.id.partition(".")
    test = ET.Element("testcase", classname=f"conform.{family}", name=name, time=f"{outcome.seconds:.3f}")
    found = _new(outcome, report)
    if outcome.verdict is Verdict.BROKEN:
        ET.SubElement(test, "error", message="the case itself failed").text = _clean(outcome.why)
    elif found:
        ET.SubElement(test, "failure", message=_clean(found[0])).text = _clean("\n".join(found))
    elif outcome.verdict in (Verdict.SKIPPED, Verdict.NOT_RUN):
        ET.SubElement(test, "skipped", message=_clean(outcome.why))
    return test


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
