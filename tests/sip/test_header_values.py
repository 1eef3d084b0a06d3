"""What the values of the smaller headers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sip import (
    ContentDisposition,
    ContentType,
    CSeq,
    Date,
    EventPackage,
    Join,
    LocalProtocolError,
    MalformedHeader,
    MsDiagnostics,
    MsKeepAlive,
    Parameterised,
    Params,
    Privacy,
    RAck,
    Reason,
    Replaces,
    RetryAfter,
    SubscriptionState,
    Timestamp,
    Warning,
    refuse,
)
from sip.headers.table import PARSERS


def test_content_type() -> None:
    value = ContentType.parse('Multipart/Mixed; Boundary="a b"; charset=UTF-8')
    assert (value.media_type, value.boundary, value.charset) == ("multipart/mixed", "a b", "utf-8")
    assert ContentType.parse("text/plain").charset is None
    assert str(ContentType("text/html").with_params({"charset": "utf-8"})) == "text/html;charset=utf-8"


def test_what_a_media_range_accepts() -> None:
    assert ContentType.parse("application/sdp").accepts("Application/SDP")
    assert ContentType.parse("application/*;q=0.2").accepts("application/sdp")
    assert ContentType.parse("*/*").accepts("text/plain")
    assert not ContentType.parse("application/*").accepts("text/plain")
    assert not ContentType.parse("text/plain").accepts("text/html")


def test_content_disposition() -> None:
    value = ContentDisposition.parse("Session; handling=OPTIONAL")
    assert (value.disposition, value.handling_required) == ("session", False)
    assert ContentDisposition.parse("render").handling_required
    assert ContentDisposition.default_for("Application/SDP").disposition == "session"
    assert ContentDisposition.default_for("text/plain").disposition == "render"


def test_cseq_is_a_value() -> None:
    assert CSeq.parse("0009 \t INVITE", refuse) == CSeq(9, "INVITE")
    assert len({CSeq(1, "BYE"), CSeq(1, "BYE"), CSeq(2, "BYE")}) == 2
    assert CSeq(1, "BYE") != "1 BYE"
    assert repr(CSeq(1, "BYE")) == "CSeq(1, 'BYE')"


def test_date() -> None:
    value = Date.parse("Sat, 13 Nov 2010 23:29:00 GMT", refuse)
    assert value.when == datetime(2010, 11, 13, 23, 29, tzinfo=UTC)
    elsewhere = Date(datetime(2010, 11, 14, 0, 29, tzinfo=timezone(timedelta(hours=1))))
    assert str(elsewhere) == "Sat, 13 Nov 2010 23:29:00 GMT"
    with pytest.raises(LocalProtocolError):
        Date(datetime(2010, 11, 13))


def test_dates_that_peers_get_wrong() -> None:
    said: list[str] = []
    assert Date.parse("Fri, 01 Jan 2010 16:00:00 EST", said.append).when.hour == 21
    assert Date.parse("Mon, 13 Nov 2010 23:29:00 GMT", said.append).when.day == 13
    assert len(said) == 2
    with pytest.raises(MalformedHeader):
        Date.parse("Mon, 01 Jan 0001 00:00:00 MST".replace("MST", "XYZ"))
    with pytest.raises(MalformedHeader):
        Date.parse("Fri, 31 Dec 9999 23:59:59 PST")


def test_timestamp() -> None:
    assert Timestamp.parse("54.21 0.5") == Timestamp("54.21", 0.5)
    assert str(Timestamp("54", 0.25)) == "54 0.25"
    assert Timestamp.parse("7").delay is None
    with pytest.raises(LocalProtocolError):
        Timestamp("1 2")


def test_event() -> None:
    value = EventPackage.parse("Presence.WInfo ; id=4a")
    assert (value.package, value.id) == ("presence.winfo", "4a")
    with pytest.raises(LocalProtocolError):
        EventPackage("presence;id=1")


def test_subscription_state_without_times() -> None:
    value = SubscriptionState.parse("terminated;reason=noresource", refuse)
    assert (value.state, value.reason, value.expires, value.retry_after) == ("terminated", "noresource", None, None)
    assert SubscriptionState.parse("pending").reason is None


def test_ms_diagnostics() -> None:
    value = MsDiagnostics(3014, "focus.example.com", 'not "you"')
    assert str(value) == '3014;source="focus.example.com";reason="not \\"you\\""'
    assert MsDiagnostics.parse(str(value), refuse) == value
    with pytest.raises(LocalProtocolError):
        MsDiagnostics(-1)


def test_ms_keep_alive() -> None:
    value = MsKeepAlive("UAS", Params({"tcp": "no", "hop-hop": "yes", "timeout": "300"}))
    assert str(value) == "UAS;tcp=no;hop-hop=yes;timeout=300"
    assert MsKeepAlive.parse("uac").timeout is None
    assert MsKeepAlive.parse("UAS;timeout=soon").timeout is None


def test_parameterised() -> None:
    value = Parameterised.parse("gzip;q=0.5")
    assert (value.value, value.q, Parameterised("da").q) == ("gzip", 0.5, 1.0)


def test_params_are_an_ordered_mapping_without_case() -> None:
    params = Params({"Tag": "1", "lr": None, "text": "a b"})
    assert list(params) == ["tag", "lr", "text"]
    assert (params["TAG"], params["lr"], params.get("none")) == ("1", None, None)
    assert str(params) == ';Tag=1;lr;text="a b"'
    assert str(params.with_({"TAG": "2", "x": "y"})) == ';TAG=2;lr;text="a b";x=y'
    assert str(params.without("LR", "text")) == ";Tag=1"
    assert params == Params({"text": "a b", "tag": "1", "lr": None})
    assert params != {"tag": "1"}
    assert "tag" in repr(params)
    assert Params(params) == params
    with pytest.raises(MalformedHeader):
        Params.parse(";=x")


def test_privacy() -> None:
    assert Privacy.parse("ID ; critical").values == ("id", "critical")
    with pytest.raises(LocalProtocolError):
        Privacy(())


def test_reason() -> None:
    value = Reason.parse('Q.850 ;cause=16 ;text="Normal; clearing"')
    assert (value.protocol, value.cause, value.text) == ("Q.850", 16, "Normal; clearing")
    assert str(Reason.of("SIP", 200, "Call completed elsewhere")) == 'SIP;cause=200;text="Call completed elsewhere"'
    assert str(Reason.of("SIP", 600)) == "SIP;cause=600"
    assert Reason.parse("SIP;cause=many").cause is None
    assert Reason.parse("SIP").text is None


def test_rack() -> None:
    assert RAck.parse("776656 1 INVITE") == RAck(776656, 1, "INVITE")


def test_replaces_and_join() -> None:
    value = Replaces.parse("98732@sip.example.com ;from-tag=r33th4x0r;to-tag=ff87ff;early-only", refuse)
    assert (value.call_id, value.to_tag, value.from_tag, value.early_only) == (
        "98732@sip.example.com",
        "ff87ff",
        "r33th4x0r",
        True,
    )
    assert str(Join("a@b", "1", "2")) == "a@b;to-tag=1;from-tag=2"
    for broken in (("a;b", "1", "2"), ("a", "1;2", "2"), ("a", "1", "")):
        with pytest.raises(LocalProtocolError):
            Replaces(*broken)


def test_retry_after() -> None:
    value = RetryAfter.parse("18000 (I'm in a meeting \\(long\\));duration=3600", refuse)
    assert (value.seconds, value.comment, value.duration) == (18000, "I'm in a meeting (long)", 3600)
    assert str(value) == "18000 (I'm in a meeting \\(long\\));duration=3600"
    assert RetryAfter.parse("120").duration is None


def test_warning() -> None:
    value = Warning.parse('308 192.0.2.1:5060 "Encryption Levels not compatible"', refuse)
    assert (value.code, value.agent, value.text) == (308, "192.0.2.1:5060", "Encryption Levels not compatible")
    for broken in ((99, "a"), (1000, "a"), (399, "a b"), (399, "")):
        with pytest.raises(LocalProtocolError):
            Warning(*broken)


@pytest.mark.parametrize("key", ["replaces", "join", "target-dialog"])
@pytest.mark.parametrize("call_id", ["a,b", "a b", "a@b@c", "", "a\x7f"])
def test_a_dialog_that_cannot_be_named_is_the_mistake_of_the_peer(key: str, call_id: str) -> None:
    first, second = ("local-tag", "remote-tag") if key == "target-dialog" else ("to-tag", "from-tag")
    with pytest.raises(MalformedHeader):
        PARSERS[key](f"{call_id};{first}=1;{second}=2")


def test_a_duration_that_is_no_number_is_found_when_it_is_read() -> None:
    with pytest.raises(MalformedHeader):
        RetryAfter.parse("5;duration=soon")
    assert RetryAfter.parse("5;duration=60").duration == 60
