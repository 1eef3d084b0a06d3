"""Stateful conformance: an element of your own, driven by the rules of RFC 3261 in virtual time.

Who does what. An `Encounter` carries datagrams between the element and one `Tester` and lets time pass; it keeps the
story and the findings. A `Case` is one thing that the tester does. What the element owes for it is written down as an
expectation with a time, and looked at when that comes; whatever else it sends is judged when it arrives, by
`answers` and `requests`. `SipElementConformance` makes a rule of each case, so Hypothesis chooses which come in which
order, and cuts a failure down to the fewest.

Time passes in the case ``waits`` and at the end, and hardly anywhere else: so messages cross as often as they can.
"""

from __future__ import annotations

from sip.testing.conformance.called import Habit
from sip.testing.conformance.case import Case, case
from sip.testing.conformance.element import CallingElement, EndpointElement, SipElement
from sip.testing.conformance.encounter import NotConforming
from sip.testing.conformance.registering import Account
from sip.testing.conformance.registrar_cases import CASES as REGISTRAR_CASES
from sip.testing.conformance.rules import SIP_CASES, ElementConformance, RegistrarConformance, SipElementConformance
from sip.testing.conformance.tester import Tester

__all__ = [
    "REGISTRAR_CASES",
    "SIP_CASES",
    "Account",
    "CallingElement",
    "Case",
    "ElementConformance",
    "EndpointElement",
    "Habit",
    "NotConforming",
    "RegistrarConformance",
    "SipElement",
    "SipElementConformance",
    "Tester",
    "case",
]
