"""The conformance machines over our own elements: what tests run, and what mutants have to fall to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyc3p.testing import FocusConformance, McuConformance, MeetingConformance
from sip.testing import ElementConformance, Force, RegistrarConformance, SipElement, SipElementConformance
from tests.conformance.own_registrar import own_registrar
from tests.conformance.own_user_agent import OwnUserAgent


class OwnUserAgentConforms(SipElementConformance):
    answers = "sip:bob@192.0.2.1"
    rings = "sip:slow@192.0.2.1"
    refuses = "sip:busy@192.0.2.1"
    fails_on = (Force.MUST, Force.SHOULD)

    def make_element(self) -> SipElement:
        return OwnUserAgent()


class OwnRegistrarConforms(RegistrarConformance):
    fails_on = (Force.MUST, Force.SHOULD)

    def make_element(self) -> SipElement:
        return own_registrar()


class OwnFocusConforms(FocusConformance):
    fails_on = tuple(Force)


class OwnMcuConforms(McuConformance):
    fails_on = tuple(Force)


SUITES: Final[Mapping[str, type[ElementConformance | MeetingConformance]]] = {
    "user agent": OwnUserAgentConforms,
    "registrar": OwnRegistrarConforms,
    "focus": OwnFocusConforms,
    "mcu": OwnMcuConforms,
}
