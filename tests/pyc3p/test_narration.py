import pytest

import focus
import mcu.events
from pyc3p.commands.narration import narrate
from pyc3p.phone import CallEnd, PhoneNotRegistered, PhoneReleased, PhoneRinging
from sip import Binding, BindingsChanged, CredentialsRefused, DomainNotServed, Event, NameAddr, Uri

PHONE, DESK = (
    Binding(aor="bob", contact=NameAddr(Uri("sip", host, "bob")), expires_at=0.0, call_id="c", cseq=1)
    for host in ("192.0.2.2", "192.0.2.3")
)
CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
LEG = {"owner": "mcu", "leg": 1, "conference": CONF, "user": "sip:bob@example.com", "endpoint": "{A}"}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (focus.ConferenceActivated(owner="focus", conference_uri=CONF), "focus:01234567 began"),
        (
            focus.ParticipantJoined(
                owner="focus", conference_uri=CONF, user="sip:ann@example.com", role="presenter", in_lobby=False
            ),
            "focus:01234567: ann@example.com joined as presenter",
        ),
        (
            focus.ParticipantJoined(
                owner="focus", conference_uri=CONF, user="sip:ann@example.com", role="attendee", in_lobby=True
            ),
            "focus:01234567: ann@example.com joined (in the lobby)",
        ),
        (
            focus.McuLost(owner="f", conference_uri=CONF, mcu_type="audio-video", mcu_id="m", reason="connect"),
            "focus:01234567: m lost (connect)",
        ),
        (
            focus.McuLost(
                owner="f",
                conference_uri=CONF,
                mcu_type="audio-video",
                mcu_id="m",
                reason="time-outs in a row",
                participants=3,
            ),
            "focus:01234567: m lost (time-outs in a row); 3 on it taken off",
        ),
        (
            focus.McuSilent(owner="f", conference_uri=CONF, mcu_type="audio-video", mcu_id="m", participants=3),
            "focus:01234567: m does not answer; 3 on it may be gone",
        ),
        (
            focus.McuSilent(owner="f", conference_uri=CONF, mcu_type="audio-video", mcu_id="m", participants=0),
            "focus:01234567: m does not answer",
        ),
        (BindingsChanged(owner="registrar", aor="bob", bindings=(), cause="expired"), "bob expired"),
        (
            BindingsChanged(owner="registrar", aor="bob", bindings=(DESK,), cause="removed", gone=(PHONE,)),
            "bob removed at sip:bob@192.0.2.2",
        ),
        (
            BindingsChanged(owner="registrar", aor="bob", bindings=(DESK,), cause="registered"),
            f"bob registered at {DESK.uri}",
        ),
        (mcu.events.McuForgotten(owner="", mcu_id="m"), "MCU m is gone"),
        (mcu.events.LegDialing(**LEG, target="sip:bob@example.com"), "calling bob@example.com"),
        (mcu.events.LegConnected(**LEG, codec="PCMU", rang_for=1.0), "bob@example.com connected (PCMU)"),
        (
            mcu.events.LegEnded(**LEG, ending=None, method="busy", status=486, reason="Busy Here"),
            "bob@example.com busy, 486 Busy Here",
        ),
        (mcu.events.LegEnded(**LEG, ending=None, method="departed"), "bob@example.com departed"),
        (
            mcu.events.LegEnded(**LEG, ending=mcu.Ending.UNREACHABLE, method="failed", reason="connection refused"),
            "bob@example.com failed, connection refused",
        ),
        (
            DomainNotServed(
                owner="proxy", domain="example.com", method="REGISTER", sender="sip:ann@example.com", source="192.0.2.7"
            ),
            "refused REGISTER of ann@example.com from 192.0.2.7: example.com is not served here",
        ),
        (
            CredentialsRefused(owner="", realm="x", username='eve" from 192.0.2.1\n', source="192.0.2.7", reason="no"),
            'refused password of "eve? from 192.0.2.1?" from 192.0.2.7: no',
        ),
        (
            focus.RequestRefused(
                owner="focus",
                what="join",
                status=403,
                reason="x",
                text="The conference is locked",
                conference_uri=CONF,
                sender="sip:bob@example.com",
                source="192.0.2.7",
            ),
            "refused join of bob@example.com from 192.0.2.7 to focus:01234567: 403, The conference is locked",
        ),
        (
            mcu.CommandRefused(
                owner="mcu",
                conference=CONF,
                command="addUser",
                originator="sip:ann@example.com",
                target="tel:+19005550100",
                reason="target denied",
                text="number may not be called",
            ),
            "refused addUser +19005550100 for ann@example.com: number may not be called (target denied)",
        ),
        (mcu.events.LegHeld(**LEG), "bob@example.com holds"),
        (mcu.events.DtmfReceived(**LEG, digit="5"), "bob@example.com pressed a key"),
        (PhoneRinging(owner="phone", caller="sip:ann@example.com", caller_name=None), "ann@example.com calls"),
        (PhoneNotRegistered(owner="phone", status=403), "registration refused with 403; trying again"),
        (PhoneReleased(owner="phone", end=CallEnd.CANCELLED, talked_for=0.0), "call over: cancelled, 0.0 s"),
    ],
)
def test_events_are_told_in_words(event: Event, text: str) -> None:
    assert narrate(event) == text


def test_what_only_machines_care_about_is_not_told() -> None:
    assert narrate(Event(owner="x")) is None
    assert narrate(mcu.events.LegEvent(**LEG)) is None
    published = focus.RosterPublished(owner="focus", conference_uri=CONF, version=1, subscribers=2)
    assert narrate(published) is None


def test_a_key_that_was_pressed_may_belong_to_a_secret() -> None:
    told = narrate(mcu.events.DtmfReceived(**LEG, digit="5"))
    assert "5" not in (told or "")
