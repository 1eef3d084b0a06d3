"""Damaged and foreign traffic in the middle of a conference: it is answered or dropped, and the conference goes on."""

import random
from collections.abc import Callable

import pytest

from pyc3p import Record
from pyc3p.phone import listen_for
from pyc3p.phone.wav import Recorder
from pyc3p.simnet import Meeting, RawPeer

BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
Meet = Callable[..., Meeting]


def damaged(data: bytes, dice: random.Random) -> bytes:
    """A message with something wrong: cut, doubled, bytes changed, or lines exchanged."""
    kind = dice.randrange(5)
    if kind == 0:
        return data[: dice.randrange(len(data) + 1)]
    if kind == 1:
        return data + data
    if kind == 2:
        lines = data.split(b"\r\n")
        dice.shuffle(lines)
        return b"\r\n".join(lines)
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 12)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def again(meeting: Meeting, records: list[Record], dice: random.Random) -> None:
    """Send what was sent before once more, damaged, over what it came by."""
    for record in records:
        data = damaged(record.data, dice)
        if record.transport == "UDP":
            meeting.network.inject(record.source, record.destination, data)
        elif record.layer == "sip":
            peer = RawPeer(meeting.network, "stranger", "192.0.2.250")
            try:
                peer.connect(*record.destination)
            except ConnectionRefusedError:  # the other end of somebody's own connection
                continue
            peer.send(data)
        meeting.network.run_for(0.003)


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_conference_survives_damaged_copies_of_its_own_traffic(meet: Meet, seed: int) -> None:
    meeting, dice = meet(seed=seed), random.Random(seed)
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    meeting.network.run_for(0.5)
    signalling = meeting.network.recording.of_layer("sip")
    media = meeting.network.recording.of_layer("rtp", "rtcp")[:40]
    for element in ("focus", "mcu", "proxy", "phone-carol", "focus-factory"):
        host = meeting.host(element).host
        again(meeting, [record for record in signalling if record.destination[0] == host], dice)
    again(meeting, media, dice)
    assert meeting.outcome("presenter", meeting.dial("presenter", CAROL)).succeeded
    meeting.network.run_for(2.0)
    assert meeting.statuses(CAROL) == ["audio-video connected"]
    assert meeting.roster("watcher") == meeting.true_roster()
    recorder = meeting.phone("phone-carol").recorder
    assert isinstance(recorder, Recorder)
    if meeting.statuses(BOB) == ["audio-video connected"]:
        assert listen_for(recorder.audio, 440).heard


@pytest.mark.parametrize("element", ["focus", "focus-factory", "mcu", "proxy", "phone-bob"])
def test_noise_from_a_stranger_disturbs_nobody(meet: Meet, element: str) -> None:
    meeting, dice = meet(), random.Random(element)
    place = meeting.sim.farm.places[element]
    for size in (0, 1, 2, 4, 100, 1000, 60_000):
        noise = dice.randbytes(size)
        meeting.network.inject(("192.0.2.250", 9), (place.host, place.sip_port), noise)
        peer = RawPeer(meeting.network, "stranger", "192.0.2.250")
        peer.connect(place.host, place.sip_port)
        peer.send(noise)
        meeting.network.run_for(0.01)
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
