"""All records of a trace in, verdicts in the order of time out."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from pyc3p.check import documents, media, signalling
from pyc3p.check.elements import Elements
from pyc3p.check.signalling import once, parsed, passages
from pyc3p.check.verdict import Verdict
from pyc3p.trace.trace import Names, Record


def check_records(
    records: Sequence[Record], names: Names | None = None, *, called: Names | None = None
) -> list[Verdict]:
    """Judge what crossed the network, whoever sent it.

    ``names`` says which element speaks at which address. ``called`` are names for people, which two may share.
    """
    return judge_records(records, names, called=called)[0]


def judge_records(
    records: Sequence[Record], names: Names | None = None, *, called: Names | None = None
) -> tuple[list[Verdict], Elements]:
    """As `check_records`, and who all speak in the trace."""
    seen = list(once(records))
    messages, broken = parsed(each for each in seen if each.layer == "sip")
    elements = Elements(names or Names(), called)
    elements.learn(messages)
    elements.meet(seen)
    verdicts = [attrs.evolve(each, by=elements.of(each.records[0].source)) for each in broken]
    passing, of_message = passages(messages, elements)
    verdicts += signalling.judged(passing, of_message)
    verdicts += media.descriptions_judged(passing, of_message)
    posted = [each for each in seen if each.layer == "http"]
    carried = [*documents.in_sip(passing, of_message), *documents.in_http(posted, _senders(posted, elements))]
    verdicts += documents.judged(sorted(carried, key=lambda each: each.record.at))
    packets = [each for each in seen if each.layer in ("rtp", "rtcp")]
    verdicts += media.judged(packets, media.described(passing, elements), elements)
    return sorted((_called(each, elements) for each in verdicts), key=lambda each: each.at), elements


def _called(verdict: Verdict, elements: Elements) -> Verdict:
    """The verdict with what people call who did it, and who else is in it."""
    names = elements.shown(verdict.records)
    return attrs.evolve(
        verdict,
        by=elements.called(verdict.by) if verdict.by else "",
        element=verdict.by,
        address=elements.address(verdict.by),
        program=elements.program(verdict.by),
        names=names,
    )


def _senders(records: Sequence[Record], elements: Elements) -> list[str]:
    return [elements.of(each.source) for each in records]
