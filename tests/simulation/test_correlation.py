"""One dial-out is followed through all parts by one name."""

from collections.abc import Callable

import focus
import mcu
import sip
from c3p import AddUser, Request, parse_document
from pyc3p.simnet import Meeting

BOB = "sip:bob@example.com"
Meet = Callable[..., Meeting]


def invites(meeting: Meeting) -> set[str]:
    """The Call-IDs of all INVITEs to the phone, on every hop."""
    records = [record.data for record in meeting.network.recording if record.layer == "sip"]
    found = [sip.parse_message(data) for data in records if data.startswith(b"INVITE sip:bob@")]
    return {message.call_id for message in found}


def names_in_c3p(meeting: Meeting) -> set[str | None]:
    """What the Focus called the command when it sent it to the MCU."""
    bodies = [record.data.partition(b"\r\n\r\n")[2] for record in meeting.network.recording if record.layer == "http"]
    documents = [parse_document(body) for body in bodies if b"<addUser" in body and b"<request" in body]
    return {one.correlation_id for one in documents if isinstance(one, Request) and isinstance(one.command, AddUser)}


def test_a_dial_out_has_one_name_at_focus_mcu_proxy_and_phone(meet: Meet) -> None:
    meeting = meet()
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    meeting.network.run_for(0.1)
    (relayed,) = meeting.host("focus").of(focus.CommandRelayed)
    (finished,) = [one for one in meeting.host("focus").of(focus.CommandFinished) if one.command == "addUser"]
    (dialling,) = meeting.host("mcu").of(mcu.LegDialing)
    (connected,) = meeting.host("mcu").of(mcu.LegConnected)
    name = relayed.correlation
    assert name
    assert {finished.correlation, dialling.correlation, connected.correlation} == {name}
    assert names_in_c3p(meeting) == {name}
    (call_id,) = invites(meeting)
    assert call_id.startswith(f"{name}.")
    assert dialling.call_id == connected.call_id == call_id
    assert (relayed.target, relayed.command, finished.succeeded) == (BOB, "addUser", True)
    assert 0.5 <= finished.took < 2.0  # the phone rings for half a second


def test_two_dial_outs_have_two_names_and_two_calls(meet: Meet) -> None:
    meeting = meet()
    for _ in range(2):
        meeting.outcome("presenter", meeting.dial("presenter", BOB))
        meeting.outcome("presenter", meeting.eject("presenter", BOB))
    first, second = (one.correlation for one in meeting.host("focus").of(focus.CommandRelayed) if one.target)
    assert first != second
    assert {call_id.partition(".")[0] for call_id in invites(meeting)} == {first, second}
