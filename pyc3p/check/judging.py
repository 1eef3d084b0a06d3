"""All records of a trace in, verdicts in the order of time out."""

from __future__ import annotations

from collections.abc import Sequence

from pyc3p.check.elements import Elements
from pyc3p.check.signalling import judged, once, parsed, passages
from pyc3p.check.verdict import Verdict
from pyc3p.trace.trace import Names, Record


def check_records(records: Sequence[Record], names: Names | None = None) -> list[Verdict]:
    """Judge what crossed the network, whoever sent it. ``names`` says which element speaks at which address."""
    seen = list(once(records))
    messages, verdicts = parsed(each for each in seen if each.layer == "sip")
    elements = Elements(names or Names())
    elements.learn(messages)
    passing, of_message = passages(messages, elements)
    verdicts += judged(passing, of_message)
    return sorted(verdicts, key=lambda each: each.at)
