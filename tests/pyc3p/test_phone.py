"""A legacy phone against a plain caller, on a simulated network."""

import itertools

import attrs
import pytest

import rtp
import sip
from mcu import LegId, Srtp
from pyc3p.element import Element, HookedPump
from pyc3p.elements import parts
from pyc3p.phone import (
    CallEnd,
    CallState,
    Phone,
    PhoneAnswered,
    PhoneConfig,
    PhoneHeld,
    PhoneKey,
    PhoneNotRegistered,
    PhoneRegistered,
    PhoneReleased,
    PhoneRinging,
    Reaction,
    ToneSource,
    listen_for,
)
from pyc3p.phone.phone import SDP
from pyc3p.phone.wav import Recorder
from pyc3p.simnet import SimHost, SimNetwork
from sip import Event

OFFER = bytes(rtp.offer(rtp.Capabilities(), "192.0.2.1", 30000))
CALLS = itertools.count()


class Caller:
    """A core that keeps what the endpoint tells it."""

    def __init__(self, endpoint: sip.Endpoint) -> None:
        self.owner = "caller"
        self.endpoint = endpoint
        self.told: list[Event] = []
        endpoint.add_core(
            self.owner, lambda request, flow: True, claim=sip.Claim.ELEMENT, methods=("INVITE", "BYE", "REGISTER")
        )

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.told.append(event)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


@attrs.define
class Line:
    """A caller and a phone."""

    network: SimNetwork
    caller: Caller
    caller_host: SimHost
    phone: Phone
    phone_host: SimHost

    def invite(self, body: bytes = OFFER, content_type: str | None = SDP) -> sip.SessionId:
        session = self.caller.endpoint.invite(
            "caller",
            "sip:bob@192.0.2.2",
            from_='"Ann" <sip:ann@example.com>',
            to="<sip:bob@example.com>",
            body=body,
            content_type=content_type if body else None,
            now=self.network.now,
        )
        self.caller_host.kick()
        return session

    def wait(self, kind: type[Event], at_caller: bool = True) -> Event:
        told = self.caller.told if at_caller else self.phone_host.events
        self.network.run_until(lambda: any(isinstance(event, kind) for event in told), 60.0, what=kind.__name__)
        return next(event for event in told if isinstance(event, kind))

    def do(self, action) -> None:
        action(self.network.now)
        self.phone_host.kick()
        self.caller_host.kick()


def line(**config: object) -> Line:
    network, entropy = SimNetwork(1), sip.SeededEntropy(b"phone")
    here = parts.Place(name="caller", host="192.0.2.1", sip_port=5060)
    there = parts.Place(name="phone", host="192.0.2.2", sip_port=5060)
    endpoint = here.endpoint(entropy.child("caller"))
    caller = Caller(endpoint)
    caller_host = network.add(Element.of("caller", pump=HookedPump(endpoint, [caller])), here.host)
    settings = PhoneConfig(aor="sip:bob@example.com", contact=there.sip_uri("bob"), **config)  # type: ignore[arg-type]
    element, phone = parts.phone(there, settings, entropy=entropy.child("phone"), source=ToneSource(440))
    return Line(network, caller, caller_host, phone, network.add(element, there.host))


def test_a_call_rings_is_answered_and_hung_up_there() -> None:
    call = line(ring_time=2.0)
    session = call.invite()
    ringing = call.wait(PhoneRinging, at_caller=False)
    assert isinstance(ringing, PhoneRinging)
    assert (ringing.caller, ringing.caller_name) == ("sip:ann@example.com", "Ann")
    answered = call.wait(sip.SessionAnswered)
    assert isinstance(answered, sip.SessionAnswered)
    assert call.network.now == pytest.approx(2.0, abs=0.1)
    agreement = rtp.negotiate(rtp.SessionDescription.parse(OFFER), rtp.SessionDescription.parse(answered.response.body))
    assert agreement.audio is not None
    assert agreement.audio.codec.encoding == "PCMU"
    call.network.run_for(0.1)
    assert call.phone.state is CallState.TALKING
    call.do(lambda now: call.caller.endpoint.bye(session, now=now))
    released = call.wait(PhoneReleased, at_caller=False)
    assert isinstance(released, PhoneReleased)
    assert released.end is CallEnd.HUNG_UP_THERE
    assert call.phone.state is None
    assert call.phone.next_tick() is None


def test_a_call_is_redirected() -> None:
    call = line(reaction=Reaction.REDIRECT, forward_to=sip.Uri.parse("sip:carol@example.com"))
    call.invite()
    redirected = call.wait(sip.SessionRedirected)
    assert isinstance(redirected, sip.SessionRedirected)
    assert [str(target) for target in redirected.targets] == ["sip:carol@example.com"]


def test_a_call_is_held_once_at_a_time() -> None:
    call = line()
    assert not call.phone.may_hold
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(0.5)
    assert call.phone.may_hold
    call.do(lambda now: call.phone.hold(True, now=now))
    assert not call.phone.may_hold


@pytest.mark.parametrize(
    ("reaction", "status"), [(Reaction.BUSY, 486), (Reaction.DECLINE, 603), (Reaction.REDIRECT, 480)]
)
def test_a_call_is_refused(reaction: Reaction, status: int) -> None:
    call = line(reaction=reaction)
    call.invite()
    failed = call.wait(sip.SessionFailed)
    assert isinstance(failed, sip.SessionFailed)
    assert failed.status == status
    assert [event.end for event in call.phone_host.of(PhoneReleased)] == [CallEnd.REFUSED]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"not SDP at all", SDP, 400),
        (OFFER, "text/plain", 415),
        (OFFER.replace(b"RTP/AVP 0 8 13 101", b"RTP/AVP 18"), SDP, 488),
    ],
)
def test_an_offer_that_cannot_be_used_is_refused(body: bytes, content_type: str, status: int) -> None:
    call = line()
    call.invite(body, content_type)
    failed = call.wait(sip.SessionFailed)
    assert isinstance(failed, sip.SessionFailed)
    assert failed.status == status


def test_a_second_call_finds_the_line_busy() -> None:
    call = line(reaction=Reaction.IGNORE)
    call.invite()
    call.wait(PhoneRinging, at_caller=False)
    call.invite()
    failed = call.wait(sip.SessionFailed)
    assert isinstance(failed, sip.SessionFailed)
    assert failed.status == 486
    assert call.phone.state is CallState.RINGING


def test_a_caller_that_gives_up_stops_the_ringing() -> None:
    call = line(reaction=Reaction.IGNORE)
    session = call.invite()
    call.wait(sip.SessionProgressed)
    call.do(lambda now: call.caller.endpoint.cancel(session, now=now))
    released = call.wait(PhoneReleased, at_caller=False)
    assert isinstance(released, PhoneReleased)
    assert (released.end, released.talked_for) == (CallEnd.CANCELLED, 0.0)


def test_a_ringing_phone_can_be_picked_up_or_declined_by_hand() -> None:
    call = line(reaction=Reaction.IGNORE)
    call.invite()
    call.wait(PhoneRinging, at_caller=False)
    call.network.run_for(5.0)
    call.do(lambda now: call.phone.answer(now=now))
    call.wait(sip.SessionAnswered)
    declined = line(reaction=Reaction.IGNORE)
    declined.invite()
    declined.wait(PhoneRinging, at_caller=False)
    declined.do(lambda now: declined.phone.hang_up(now=now))
    failed = declined.wait(sip.SessionFailed)
    assert isinstance(failed, sip.SessionFailed)
    assert failed.status == 603


def test_a_phone_hangs_up_after_its_time() -> None:
    call = line(hang_up_after=3.0)
    call.invite()
    ended = call.wait(sip.SessionEnded)
    assert isinstance(ended, sip.SessionEnded)
    assert ended.cause is sip.EndCause.BYE_RECEIVED
    (released,) = call.phone_host.of(PhoneReleased)
    assert released.end is CallEnd.HUNG_UP_HERE
    assert released.talked_for == pytest.approx(3.0, abs=0.1)


def test_a_phone_whose_caller_has_died_is_free_again() -> None:
    call = line()
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(0.2)
    call.network.remove(call.caller_host, without_a_word=True)
    call.network.run_for(59.0)
    assert call.phone_host.of(PhoneReleased) == []
    call.network.run_for(2.0)
    assert [event.end for event in call.phone_host.of(PhoneReleased)] == [CallEnd.SILENT]
    assert call.phone.state is None


def test_silence_while_a_call_is_held_is_no_death() -> None:
    call = line()
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(0.2)
    for held, silence in ((True, 119.0), (False, 59.0)):
        call.do(lambda now, held=held: call.phone.hold(held, now=now))
        call.network.run_for(0.1)
        offer = [event for event in call.caller.told if isinstance(event, sip.ReinviteReceived)][-1]
        description = rtp.SessionDescription.parse(offer.request.body)
        answer = bytes(rtp.answer(description, rtp.Capabilities(), "192.0.2.1", 30000))
        call.do(
            lambda now, offer=offer, answer=answer: call.caller.endpoint.respond(
                offer.transaction, 200, body=answer, content_type=SDP, now=now
            )
        )
        call.network.run_for(silence)
        assert call.phone_host.of(PhoneReleased) == []
    call.network.run_for(3.0)
    assert [event.end for event in call.phone_host.of(PhoneReleased)] == [CallEnd.SILENT]


def test_an_invite_without_offer_gets_one_in_the_answer() -> None:
    call = line()
    session = call.invite(b"")
    answered = call.wait(sip.SessionAnswered)
    assert isinstance(answered, sip.SessionAnswered)
    offered = rtp.SessionDescription.parse(answered.response.body)
    answer = bytes(rtp.answer(offered, rtp.Capabilities(), "192.0.2.1", 30000))
    call.do(lambda now: call.caller.endpoint.ack(session, body=answer, content_type=SDP, now=now))
    call.network.run_for(0.5)
    assert call.phone.state is CallState.TALKING
    assert call.network.recording.of_layer("rtp")


def test_a_late_answer_that_is_none_ends_the_call() -> None:
    call = line()
    session = call.invite(b"")
    call.wait(sip.SessionAnswered)
    call.do(lambda now: call.caller.endpoint.ack(session, body=b"nonsense", content_type=SDP, now=now))
    call.wait(sip.SessionEnded)
    assert [event.end for event in call.phone_host.of(PhoneReleased)] == [CallEnd.FAILED]


def test_hold_is_offered_and_agreed() -> None:
    call = line()
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(0.2)
    for held, direction in ((True, b"a=sendonly"), (False, b"a=sendrecv")):
        call.do(lambda now, held=held: call.phone.hold(held, now=now))
        with pytest.raises(sip.LocalProtocolError):
            call.phone.hold(held, now=call.network.now)
        call.network.run_for(0.1)
        offers = [event for event in call.caller.told if isinstance(event, sip.ReinviteReceived)]
        assert direction in offers[-1].request.body
        description = rtp.SessionDescription.parse(offers[-1].request.body)
        answer = bytes(rtp.answer(description, rtp.Capabilities(), "192.0.2.1", 30000))
        call.do(
            lambda now, offers=offers, answer=answer: call.caller.endpoint.respond(
                offers[-1].transaction, 200, body=answer, content_type=SDP, now=now
            )
        )
        call.network.run_for(0.1)
    assert [event.held for event in call.phone_host.of(PhoneHeld)] == [True, False]


def test_a_hold_that_is_refused_leaves_the_call_as_it_was() -> None:
    call = line()
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(0.2)
    call.do(lambda now: call.phone.hold(True, now=now))
    reinvite = call.wait(sip.ReinviteReceived)
    assert isinstance(reinvite, sip.ReinviteReceived)
    call.do(lambda now: call.caller.endpoint.respond(reinvite.transaction, 488, now=now))
    call.network.run_for(0.2)
    assert call.phone_host.of(PhoneHeld) == []
    call.do(lambda now: call.phone.hold(True, now=now))


def test_without_a_call_nothing_can_be_held_and_nothing_is_hung_up() -> None:
    call = line()
    with pytest.raises(sip.LocalProtocolError):
        call.phone.hold(True, now=0.0)
    call.phone.hang_up(now=0.0)
    call.phone.answer(now=0.0)
    assert call.phone.take_events() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), (OFFER, 200), (b"nonsense", 400), (OFFER.replace(b"RTP/AVP 0 8 13 101", b"RTP/AVP 18"), 488)],
)
def test_a_reinvite_is_answered(body: bytes, status: int) -> None:
    call = line()
    session = call.invite()
    call.wait(sip.SessionAnswered)
    call.network.run_for(0.1)
    request = []
    call.do(
        lambda now: request.append(
            call.caller.endpoint.reinvite(session, body=body, content_type=SDP if body else None, now=now)
        )
    )
    answer = call.wait(sip.ResponseReceived)
    assert isinstance(answer, sip.ResponseReceived)
    assert answer.response.status == status
    assert call.phone.state is CallState.TALKING


def test_other_requests_in_the_call_are_taken() -> None:
    call = line()
    session = call.invite()
    call.wait(sip.SessionAnswered)
    call.network.run_for(0.1)
    call.do(lambda now: call.caller.endpoint.request_in_session(session, "INFO", now=now))
    answer = call.wait(sip.ResponseReceived)
    assert isinstance(answer, sip.ResponseReceived)
    assert answer.response.status == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status", "keys"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", 200, ["5"]),
        ("application/dtmf", b"#", 200, ["#"]),
        ("application/dtmf-relay", b"Signal=nothing", 400, []),
        ("application/other", b"Signal=5", 200, []),
    ],
)
def test_keys_by_info_are_told(content_type: str, body: bytes, status: int, keys: list[str]) -> None:
    call = line()
    session = call.invite()
    call.wait(sip.SessionAnswered)
    call.network.run_for(0.1)
    request = call.caller.endpoint.request_in_session
    call.do(lambda now: request(session, "INFO", body=body, content_type=content_type, now=now))
    answer = call.wait(sip.ResponseReceived)
    assert isinstance(answer, sip.ResponseReceived)
    assert answer.response.status == status
    assert [event.digit for event in call.phone_host.events if isinstance(event, PhoneKey)] == keys


def test_keys_by_telephone_event_are_told() -> None:
    call = line()
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(0.1)
    report = bytes(rtp.TelephoneEvent(7, True, 10, 800))
    packets = [bytes(rtp.RtpPacket(101, number, 0, 9, report)) for number in range(3)]
    batch = [(LegId(1), "rtp", data, ("192.0.2.1", 30000), call.network.now) for data in packets]
    (event,) = call.phone.receive_media(batch)
    assert isinstance(event, PhoneKey)
    assert event.digit == "7"


@pytest.mark.parametrize("beside", [b"", b"m=video 5000 RTP/AVP 34\r\n"])
def test_audio_that_is_switched_off_is_sent_nothing_until_it_is_back(beside: bytes) -> None:
    call = line()
    session = call.invite()
    call.wait(sip.SessionAnswered)
    call.network.run_for(0.2)

    def sent_in_a_second(body: bytes) -> int:
        reinvite = call.caller.endpoint.reinvite
        call.do(lambda now: reinvite(session, body=body, content_type=SDP, now=now))
        call.network.run_for(0.2)
        before = len(call.network.recording.of_layer("rtp"))
        call.network.run_for(1.0)
        return len(call.network.recording.of_layer("rtp")) - before

    assert sent_in_a_second(OFFER.replace(b"m=audio 30000", b"m=audio 0") + beside) == 0
    assert call.phone.state is CallState.TALKING
    assert sent_in_a_second(OFFER) >= 49


def test_no_ports_no_call() -> None:
    call = line()
    call.phone_host._open_media = lambda leg: call.phone_host.run(  # type: ignore[method-assign]
        call.phone.media_failed(leg, "none left", now=call.network.now)
    )
    call.invite()
    failed = call.wait(sip.SessionFailed)
    assert isinstance(failed, sip.SessionFailed)
    assert failed.status == 500


def test_two_phones_would_hear_the_tone() -> None:
    call = line()
    call.invite()
    call.wait(PhoneAnswered, at_caller=False)
    call.network.run_for(1.0)
    payloads = [rtp.RtpPacket.parse(record.data).payload for record in call.network.recording.of_layer("rtp")]
    assert listen_for(b"".join(rtp.ulaw_decode(payload) for payload in payloads), 440).heard
    assert isinstance(call.phone.recorder, Recorder)
    assert not listen_for(call.phone.recorder.audio, 440).heard


def test_a_registration_is_renewed_at_half_of_its_life_and_taken_back() -> None:
    call = line(registrar=sip.Uri("sip", "192.0.2.1"), register_expires=100)
    call.do(lambda now: call.phone.register(now=now))

    def answer(count: int, status: int, expires: str) -> sip.Request:
        call.network.run_until(lambda: len(registers()) >= count, 200.0)
        event = registers()[count - 1]
        assert event.transaction is not None
        contact = f"{event.request.contact[0]};expires={expires}"
        call.caller.endpoint.respond(
            event.transaction, status, headers=[("Contact", contact)] if status == 200 else (), now=call.network.now
        )
        call.caller_host.kick()
        call.network.run_for(0.1)
        return event.request

    def registers() -> list[sip.RequestReceived]:
        return [event for event in call.caller.told if isinstance(event, sip.RequestReceived)]

    first = answer(1, 200, "60")
    assert [event.expires for event in call.phone_host.of(PhoneRegistered)] == [60]
    second = answer(2, 503, "0")
    assert call.network.now == pytest.approx(30.0, abs=1.0)
    assert (second.call_id, second.cseq.number) == (first.call_id, first.cseq.number + 1)
    assert [event.status for event in call.phone_host.of(PhoneNotRegistered)] == [503]
    answer(3, 200, "x")
    assert call.network.now == pytest.approx(35.0, abs=1.0)
    call.do(lambda now: call.phone.unregister(now=now))
    last = answer(4, 200, "0")
    assert last.headers.get("expires") == "0"
    call.network.run_for(500.0)
    assert len(registers()) == 4


class Registering(Line):
    """A phone that registers with a caller who answers as told: a status and headers each."""

    def answered(self, *answers: tuple[int, dict[str, str]] | None) -> list[tuple[float, str | None]]:
        """When each REGISTER came, and how long it asked for; ``None`` is no answer."""
        seen: list[tuple[float, str | None]] = []
        self.do(lambda now: self.phone.register(now=now))
        for answer in answers:
            count = len(seen)
            self.network.run_until(lambda count=count: len(self.registers()) > count, 5000.0)
            event = self.registers()[count]
            seen.append((self.network.now, event.request.headers.get("Expires")))
            if answer is not None:
                status, headers = answer
                assert event.transaction is not None
                self.caller.endpoint.respond(event.transaction, status, headers=headers.items(), now=self.network.now)
                self.caller_host.kick()
        self.network.run_for(0.1)
        return seen

    def registers(self) -> list[sip.RequestReceived]:
        return [event for event in self.caller.told if isinstance(event, sip.RequestReceived)]


def registering(**config: object) -> Registering:
    made = line(registrar=sip.Uri("sip", "192.0.2.1"), **config)
    return Registering(made.network, made.caller, made.caller_host, made.phone, made.phone_host)


GRANTED = (200, {"Expires": "100"})


def test_a_refresh_that_is_refused_is_tried_again_while_the_binding_lasts() -> None:
    phone = registering(register_expires=100)
    times = [at for at, _ in phone.answered(GRANTED, *[(500, {})] * 4, GRANTED, GRANTED)]
    assert times[1] - times[0] == pytest.approx(50.0, abs=0.1)
    assert all(at - times[0] < 100.0 for at in times[:6])
    assert times[6] - times[5] == pytest.approx(50.0, abs=0.1)
    assert len(phone.phone_host.of(PhoneNotRegistered)) == 4


def test_silence_and_refusals_without_an_end_are_tried_ever_more_seldom() -> None:
    phone = registering(register_retry=4.0, register_max_retry=100.0)
    times = [at for at, _ in phone.answered(*[(403, {})] * 9, None, GRANTED)]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    for wait, most in zip(waits, [4, 8, 16, 32, 64, 100, 100, 100, 100], strict=False):
        assert most / 2 - 0.1 <= wait <= most + 0.1
    assert 32.0 + 50.0 - 0.5 <= waits[-1] <= 32.0 + 100.0 + 0.5
    assert len(phone.phone_host.of(PhoneRegistered)) == 1


@pytest.mark.parametrize("status", [401, 407])
def test_credentials_that_were_refused_are_not_shown_again_soon(status: int) -> None:
    phone = registering(register_retry=5.0)
    times = [at for at, _ in phone.answered(*[(status, {})] * 5, GRANTED)]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert [round(wait) for wait in waits] == [300, 600, 1200, 1800, 1800]


def test_a_binding_is_not_saved_with_credentials_that_are_refused() -> None:
    phone = registering(register_expires=100)
    times = [at for at, _ in phone.answered(GRANTED, (401, {}), GRANTED)]
    assert times[2] - times[1] == pytest.approx(300.0, abs=0.1)


def test_a_registrar_says_when_to_come_again() -> None:
    phone = registering(register_max_retry=600.0)
    times = [at for at, _ in phone.answered((503, {"Retry-After": "77"}), (503, {"Retry-After": "99999"}), GRANTED)]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(times)] == [77, 600]


def test_a_registrar_that_wants_no_pause_gets_one() -> None:
    phone = registering(register_retry=5.0)
    refusals = [(503, {"Retry-After": "1"})] * 3
    times = [at for at, _ in phone.answered(*refusals, (200, {"Expires": "1"}), GRANTED)]
    assert all(later - earlier >= 4.9 for earlier, later in itertools.pairwise(times))


def test_a_registrar_says_for_how_long_to_ask() -> None:
    phone = registering(register_expires=60)
    seen = phone.answered((423, {"Min-Expires": "1800"}), (200, {"Expires": "1800"}), GRANTED)
    assert [asked for _, asked in seen] == ["60", "1800", "1800"]
    assert [round(later[0] - earlier[0]) for earlier, later in itertools.pairwise(seen)] == [0, 900]
    assert phone.phone_host.of(PhoneNotRegistered) == []


@pytest.mark.parametrize("demanded", ["60", "9999999", "soon", "", None])
def test_a_demand_that_makes_no_sense_is_a_refusal_like_others(demanded: str | None) -> None:
    phone = registering(register_expires=60, register_retry=4.0)
    seen = phone.answered((423, {} if demanded is None else {"Min-Expires": demanded}), GRANTED)
    assert [asked for _, asked in seen] == ["60", "60"]
    assert 2.0 <= seen[1][0] - seen[0][0] <= 4.1


def test_a_registrar_that_demands_ever_more_is_not_asked_without_pause() -> None:
    phone = registering(register_expires=60, register_retry=4.0)
    seen = phone.answered(*[(423, {"Min-Expires": str(61 + number)}) for number in range(5)], GRANTED)
    waits = [later[0] - earlier[0] for earlier, later in itertools.pairwise(seen)]
    assert waits[0] < 0.5
    assert all(wait > 1.9 for wait in waits[1:])


def test_a_phone_without_registrar_does_not_register() -> None:
    call = line()
    call.do(lambda now: call.phone.register(now=now))
    call.network.run_for(1.0)
    assert len(call.network.recording) == 0


ISUP = sip.Part(
    b"x", sip.Headers([("Content-Type", "application/isup"), ("Content-Disposition", "signal;handling=optional")])
)


def test_an_offer_beside_another_part_is_answered() -> None:
    call = line()
    whole = sip.Multipart((ISUP, sip.Part.of(SDP, OFFER)), "b1")
    call.invite(bytes(whole), str(whole.content_type))
    answered = call.wait(sip.SessionAnswered)
    assert isinstance(answered, sip.SessionAnswered)
    assert rtp.SessionDescription.parse(answered.response.body).media[0].port


@pytest.mark.parametrize(
    ("parts_of_body", "status", "accept"),
    [
        ((sip.Part.of(SDP, OFFER), sip.Part.of("application/isup", b"x")), 415, SDP),
        ((), 400, None),
    ],
)
def test_a_body_that_is_needed_and_not_understood_is_refused(
    parts_of_body: tuple[sip.Part, ...], status: int, accept: str | None
) -> None:
    call = line()
    whole = bytes(sip.Multipart(parts_of_body, "b1")) if parts_of_body else b"no boundary"
    call.invite(whole, "multipart/mixed;boundary=b1")
    failed = call.wait(sip.SessionFailed)
    assert isinstance(failed, sip.SessionFailed)
    assert failed.status == status
    assert failed.response is not None
    assert failed.response.headers.get("Accept") == accept


@pytest.mark.parametrize("encryption", list(rtp.Encryption))
def test_an_offer_of_a_secure_and_a_plain_line_is_answered_with_the_one_that_fits(encryption: rtp.Encryption) -> None:
    call = line(capabilities=rtp.Capabilities(label=None, announce_encryption=False, encryption=encryption))
    key = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40 + b"\r\n"
    head = OFFER[: OFFER.index(b"m=")]
    call.invite(head + b"m=audio 4000 RTP/SAVP 0\r\n" + key + b"m=audio 4002 RTP/AVP 0\r\n")
    answered = call.wait(sip.SessionAnswered)
    assert isinstance(answered, sip.SessionAnswered)
    media = rtp.SessionDescription.parse(answered.response.body).media
    secure = encryption is not rtp.Encryption.REJECTED
    assert [each.port != 0 for each in media] == [secure, not secure]
    assert media[0].has("crypto") is secure


KEY = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40 + b"\r\n"


@pytest.mark.parametrize(
    ("srtp", "offered", "answered"),
    [
        (Srtp.OFF, "plain", False),
        (Srtp.OFF, "secure", None),
        (Srtp.OPTIONAL, "plain", False),
        (Srtp.OPTIONAL, "secure", True),
        (Srtp.REQUIRED, "plain", None),
        (Srtp.REQUIRED, "secure", True),
        (Srtp.OPTIONAL, "nothing", False),
        (Srtp.REQUIRED, "nothing", None),
    ],
)
def test_a_phone_takes_keys_as_it_was_told_and_never_offers_them_over_plain_signalling(
    srtp: Srtp, offered: str, answered: bool | None
) -> None:
    call = line(
        capabilities=PhoneConfig(aor="sip:x@example.com", contact=sip.Uri("sip", "h")).with_srtp(srtp).capabilities
    )
    secure = OFFER.replace(b"RTP/AVP", b"RTP/SAVP").replace(b"a=encryption:rejected\r\n", b"") + KEY
    call.invite({"plain": OFFER, "secure": secure, "nothing": b""}[offered])
    event = call.wait(sip.SessionFailed if answered is None else sip.SessionAnswered)
    if isinstance(event, sip.SessionFailed):
        assert event.status == 488
        return
    assert isinstance(event, sip.SessionAnswered)
    assert rtp.SessionDescription.parse(event.response.body).media[0].has("crypto") is answered
