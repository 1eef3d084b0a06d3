"""Documents that go with messages: signs that somebody writes (RFC 3994), reports of delivery (MS-CONFIM 2.2.2)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import C3PError, Composing, DeliveryReport, ReportEntry, ReportRecipient
from c3p.testing import nodes

#: The example of RFC 3994 section 6.
WRITING = b"""<?xml version="1.0" encoding="UTF-8"?>
<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <state>active</state><contenttype>text/plain</contenttype><refresh>90</refresh></isComposing>"""
#: The shape of MS-CONFIM 4.2.2.
REPORT = b"""<imdn xmlns="http://schemas.microsoft.com/rtc/2005/08/imdn"><message-id>7</message-id>
 <recipient uri="&lt;sip:bob@example.com&gt;"><status>408</status>
  <entry><key>ms-diagnostics</key><value>6001;source="mcu.example.com";reason="Request Timeout"</value></entry>
 </recipient></imdn>"""


def test_signs_and_reports_of_others_are_read() -> None:
    assert Composing.parse(WRITING) == Composing(state="active", content_type="text/plain", refresh=90)
    entry = ReportEntry(key="ms-diagnostics", value='6001;source="mcu.example.com";reason="Request Timeout"')
    bob = ReportRecipient(uri="<sip:bob@example.com>", status=408, entries=(entry,))
    assert DeliveryReport.parse(REPORT) == DeliveryReport(message_id="7", recipients=(bob,))


@pytest.mark.parametrize(("state", "writes"), [("active", True), ("idle", False), ("pondering", False)])
def test_every_state_but_active_counts_as_idle(state: str, writes: bool) -> None:
    assert Composing(state=state).active is writes


@pytest.mark.parametrize("cls", [Composing, DeliveryReport])
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_what_is_written_is_read_back_the_same(cls: type[Composing | DeliveryReport], data: st.DataObject) -> None:
    node = data.draw(nodes(cls))
    assert cls.parse(bytes(node)) == node


@pytest.mark.parametrize("cls", [Composing, DeliveryReport])
@pytest.mark.parametrize(
    "text", ["", "<a/>", "<isComposing/>", "<imdn/>", "<!DOCTYPE imdn><imdn><message-id>1</message-id></imdn>"]
)
def test_what_is_none_is_refused(cls: type[Composing | DeliveryReport], text: str) -> None:
    with pytest.raises(C3PError):
        cls.parse(text.encode())


@pytest.mark.parametrize("cls", [Composing, DeliveryReport])
@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_c3p_error(cls: type[Composing | DeliveryReport], data: bytes) -> None:
    with pytest.raises(C3PError):
        cls.parse(data)
