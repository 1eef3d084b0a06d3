"""For tests of your own servers: Hypothesis strategies for SIP, and a pretend network to run endpoints on.

Strategies give values, headers and messages, valid and broken, and whole calls; ``Network`` carries what endpoints
send, with loss, duplication, reordering and virtual time.

Needs the extra ``testing`` (``pip install '.[testing]'`` in a checkout)::

    from hypothesis import given
    from sip.testing import requests

    @given(requests())
    def test_my_server_answers(request): ...
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis  # noqa: F401
except ImportError as missing:
    raise ImportError("sip.testing needs Hypothesis: pip install '.[testing]' in a checkout") from missing

from sip.testing.agent import METHODS, Agent
from sip.testing.altering import JUNK, Alteration, Chooser, Drawn, How, Seeded, alteration, with_length
from sip.testing.checks import Crossing, faults, leftovers, met_with_silence, unanswered
from sip.testing.clock import Alarm, VirtualClock
from sip.testing.conformance import (
    REGISTRAR_CASES,
    SIP_CASES,
    Account,
    CallingElement,
    Case,
    ElementConformance,
    EndpointElement,
    Habit,
    NotConforming,
    RegistrarConformance,
    SipElement,
    SipElementConformance,
    Tester,
    case,
)
from sip.testing.conversations import (
    Act,
    Call,
    Side,
    Spoken,
    Step,
    conversations,
    networks,
    perform,
    scripts,
)
from sip.testing.headers import HEADER_VALUES, header_fields, header_values
from sip.testing.held import held
from sip.testing.judges.dialog import check_dialog
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.offer_answer import Exchanged, check_offer_answer, exchanged
from sip.testing.judges.passage import Passage
from sip.testing.judges.request import check_request
from sip.testing.judges.response import check_response
from sip.testing.judges.traffic import check_traffic, dialogs_of, transactions_of
from sip.testing.judges.transaction import check_transaction
from sip.testing.messages import messages, mutated_messages, requests, responses, wire_messages
from sip.testing.network import Network, Sent, raw_request
from sip.testing.scenes import CONVERSATIONS, DOMAIN, Scene
from sip.testing.values import (
    cseqs,
    hosts,
    name_addrs,
    option_tags,
    params,
    sip_uris,
    tel_uris,
    texts,
    tokens,
    uris,
    vias,
)
from sip.testing.wire import Chance, Wire

__all__ = [
    "CONVERSATIONS",
    "DOMAIN",
    "HEADER_VALUES",
    "JUNK",
    "METHODS",
    "REGISTRAR_CASES",
    "SIP_CASES",
    "Account",
    "Act",
    "Agent",
    "Alarm",
    "Alteration",
    "Call",
    "CallingElement",
    "Case",
    "Chance",
    "Chooser",
    "Crossing",
    "Drawn",
    "ElementConformance",
    "EndpointElement",
    "Exchanged",
    "Finding",
    "Force",
    "Habit",
    "How",
    "Network",
    "NotConforming",
    "Passage",
    "RegistrarConformance",
    "Scene",
    "Seeded",
    "Sent",
    "Side",
    "SipElement",
    "SipElementConformance",
    "Spoken",
    "Step",
    "Tester",
    "VirtualClock",
    "Wire",
    "alteration",
    "case",
    "check_dialog",
    "check_offer_answer",
    "check_request",
    "check_response",
    "check_traffic",
    "check_transaction",
    "conversations",
    "cseqs",
    "dialogs_of",
    "exchanged",
    "faults",
    "header_fields",
    "header_values",
    "held",
    "hosts",
    "leftovers",
    "messages",
    "met_with_silence",
    "mutated_messages",
    "name_addrs",
    "networks",
    "option_tags",
    "params",
    "perform",
    "raw_request",
    "requests",
    "responses",
    "scripts",
    "sip_uris",
    "tel_uris",
    "texts",
    "tokens",
    "transactions_of",
    "unanswered",
    "uris",
    "vias",
    "wire_messages",
    "with_length",
]
