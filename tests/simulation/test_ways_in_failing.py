"""Calls with media that come to nothing because of the MCU, and those that outlast the Focus (`docs/ways-in.rst`)."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

import c3p
import focus
from c3p import MCU_SERVER_URI, AddUser, Code, ConnectionInfo, Reason, mcu_uri
from pyc3p.simnet import Meeting
from sip import SessionEnded
from tests.simulation.test_off_route import astray
from tests.simulation.test_ways_in import OPEN, Meet, caller, number, statuses

Answer = Callable[[c3p.Response], c3p.Reply]
#: Where nobody is.
NOWHERE = "sip:mcu@192.0.2.250;transport=udp"
WHO = pytest.mark.parametrize("who", ["phone", "participant"])


@attrs.frozen
class Another:
    """An MCU that answers the wish to expect a call in its own way."""

    mcu: object
    answer: Answer

    def receive_c3p(self, document: object, *, peer: str, now: float) -> c3p.Reply:
        reply: c3p.Reply = self.mcu.receive_c3p(document, peer=peer, now=now)  # type: ignore[attr-defined]
        if isinstance(document, c3p.Request) and isinstance(document.command, AddUser):
            assert isinstance(reply.document, c3p.Response)
            return self.answer(reply.document)
        return reply


def with_mcu(meeting: Meeting, answer: Answer) -> None:
    element = meeting.sim.farm.elements["mcu"]
    element.services = {path: Another(service, answer) for path, service in element.services.items()}


def failing(reason: str, **more: int) -> Answer:
    """A failure for that reason."""
    return lambda response: c3p.Reply(200, attrs.evolve(response, code=Code.FAILURE, reason=reason, **more))


def leading(entries: dict[str, str] | None) -> Answer:
    """A success that tells where the call is to go."""

    def answer(response: c3p.Response) -> c3p.Reply:
        assert isinstance(response.command, AddUser)
        info = None if entries is None else ConnectionInfo.of(entries)
        return c3p.Reply(200, attrs.evolve(response, command=attrs.evolve(response.command, connection_info=info)))

    return answer


def made(meet: Meet, who: str, answer: Answer) -> tuple[Meeting, tuple[int | None, str | None]]:
    """A call at an MCU that answers so; what the caller is told: status and Retry-After."""
    meeting = meet(factory=OPEN)
    with_mcu(meeting, answer)
    phone = caller(meeting)
    if who == "phone":
        phone.call(number(meeting))
    else:
        phone.call(mcu_uri(meeting.uri, "audio-video"), user="sip:wes@example.com")
    status, _ = phone.refused()
    failed = phone.events[-1]
    response = getattr(failed, "response", None)
    return meeting, (status, None if response is None else response.headers.get("Retry-After"))


@WHO
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(failing(Reason.OTHER_FAILURE), (480, None), id="other failure"),
        pytest.param(failing("somethingNew"), (480, None), id="a reason that nobody knows"),
        pytest.param(failing(Reason.UNAUTHORIZED), (403, None), id="not authorised"),
        pytest.param(failing(Reason.TIMEOUT), (504, None), id="the MCU waited in vain itself"),
        pytest.param(failing(Reason.SERVER_BUSY, retry_after=7), (503, "7"), id="busy"),
        pytest.param(leading(None), (502, None), id="no address"),
        pytest.param(leading({}), (502, None), id="no entries"),
        pytest.param(leading({MCU_SERVER_URI: "tel:+15550100"}), (502, None), id="no SIP address"),
        pytest.param(leading({MCU_SERVER_URI: "not an address"}), (502, None), id="no address at all"),
        pytest.param(
            leading({MCU_SERVER_URI: "sip:ann@example.com;gruu;opaque=app:conf:audio-video:id:1"}),
            (502, None),
            id="back",
        ),
        pytest.param(leading({MCU_SERVER_URI: NOWHERE}), (504, None), id="nobody there"),
        # It is given up, and there is no other.
        pytest.param(lambda response: c3p.Reply(500), (503, "10"), id="an MCU that is broken"),
    ],
)
def test_what_an_mcu_makes_of_a_call(meet: Meet, who: str, answer: Answer, expected: tuple[int, str | None]) -> None:
    meeting, told = made(meet, who, answer)
    assert told == expected
    meeting.network.run_for(70.0)  # by then nobody is expected any more
    assert statuses(meeting) == {}
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    assert conferences.sizes["waiting"] == 0


@WHO
def test_an_mcu_that_says_nothing_over_http_is_504(meet: Meet, who: str) -> None:
    """Its conference is there already, so it is the command that is not answered."""
    meeting = meet(factory=OPEN)
    first = caller(meeting, "first", "198.51.100.9")
    first.call(number(meeting))
    first.answered()
    meeting.network.links.cut("focus", "mcu")
    phone = caller(meeting)
    if who == "phone":
        phone.call(number(meeting))
    else:
        phone.call(mcu_uri(meeting.uri, "audio-video"), user="sip:wes@example.com")
    assert phone.refused()[0] == 504


# A Focus that is started again ----------------------------------------------------------------------------------------

KEPT = {"factory": OPEN, "durable": True, "secret": "what outlasts a process"}


def in_and_restarted(meet: Meet, transport: str = "UDP", **kept: object) -> tuple[Meeting, object]:
    meeting = meet(**{**KEPT, **kept})
    phone = caller(meeting, transport=transport)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(2.0)
    meeting.sim.restart("focus")
    meeting.network.run_for(5.0)
    assert statuses(meeting) == {f"sip:granny@{phone.host}": "connected"}
    return meeting, phone


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_who_called_before_hangs_up_after_a_restart(meet: Meet, transport: str) -> None:
    meeting, phone = in_and_restarted(meet, transport)
    phone.hang_up()  # type: ignore[attr-defined]
    meeting.network.run_for(2.0)
    assert statuses(meeting) == {}


def test_who_called_before_is_ejected_after_a_restart(meet: Meet) -> None:
    meeting, phone = in_and_restarted(meet)
    if meeting.client("presenter").state is not focus.ClientState.JOINED:
        meeting.client("presenter").join(meeting.uri, now=meeting.network.now)
        meeting.sim.kick("presenter")
        meeting.network.run_for(2.0)
    assert meeting.outcome("presenter", meeting.eject("presenter", f"sip:granny@{phone.host}")).succeeded  # type: ignore[attr-defined]
    phone.until(lambda: bool(phone.of(SessionEnded)), "the BYE")  # type: ignore[attr-defined]
    assert statuses(meeting) == {}


def test_a_number_leads_to_its_conference_after_a_restart(meet: Meet) -> None:
    meeting, _ = in_and_restarted(meet)
    other = caller(meeting, "other", "198.51.100.8")
    other.call(number(meeting))
    other.answered()
    meeting.network.run_for(1.0)
    assert len(statuses(meeting)) == 2


def test_without_the_secret_its_bye_is_refused_and_the_mcu_ends_the_call_by_itself(meet: Meet) -> None:
    """A Record-Route that nobody signed leads nowhere; what ends the call then is that it is silent."""
    meeting, phone = in_and_restarted(meet, secret="")
    phone.hang_up()  # type: ignore[attr-defined]
    meeting.network.run_for(2.0)
    assert list(statuses(meeting).values()) == ["connected"]
    meeting.network.run_for(200.0)
    assert statuses(meeting) == {}


def test_a_phone_off_the_route_is_ended_the_same_way(meet: Meet) -> None:
    """What is kept of its call is kept in the process (`focus.ways_in.off_route`)."""
    meeting = meet(**KEPT)
    phone = astray(meeting, "invite")
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(2.0)
    meeting.sim.restart("focus")
    meeting.network.run_for(5.0)
    phone.hang_up()
    meeting.network.run_for(200.0)
    assert statuses(meeting) == {}
