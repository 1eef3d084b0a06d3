"""One piece of what was written is damaged: it costs what is in it, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sip
from c3p import ExchangeFailure
from pyc3p.elements import parts
from pyc3p.elements.parts import CoreSettings
from pyc3p.phone import PhoneReleased
from pyc3p.simnet import HttpFault
from sip import InternalFault, Piece, StateUnreadable
from tests.simulation.restarting import Restarting
from tests.simulation.test_restored import BOB, begun, kind_of, with_bob

OTHER: Final = "0" * 32  #: id of the healthy conference
#: What no program of ours wrote there, whichever field it is.
WRONG: Final = [
    *(None, "", "x", "\ud800", "\x00", " sip:a@b", "<a/>", "x" * 70_000, True, [], {}, [1], [["a", "b"]], {"a": 1}),
    *(0, -1, -(2**63), 2**31, 2**32, 10**15, 10**30, 10**400, 1e300, -1e300, math.nan, math.inf, -math.inf),
]
NAMES: Final = ["", "-5", "²", "01", "x", "9" * 5000, "99999999999999999999999999", "a/b/c"]


@cache
def scene() -> tuple[Restarting, list[Piece], list[Piece]]:
    """A meeting in which much is open, its pieces, and those of a conference like it, without dialogs."""
    met = with_bob()
    met.sim.network.web.faults["mcu"] = HttpFault.SILENT
    met.eject("presenter", BOB)
    met.network.run_for(1.0)
    met.dial("presenter", "sip:carol@example.com")
    met.network.run_for(1.0)
    met.command("presenter", lambda client, now: client.set_lock(True, now=now))
    met.network.run_for(0.5)
    pieces = sorted(met.pieces, key=lambda piece: piece.key)
    (conference_id,) = {piece.key.split("/")[1].rpartition(":")[2] for piece in pieces if "/head" in piece.key}

    def other(text: str) -> str:
        return text.replace(conference_id, OTHER).replace(conference_id.upper(), OTHER)

    healthy = [
        Piece(other(piece.key), other((piece.value or b"").decode()).encode())
        for piece in pieces
        if piece.key.startswith("conference/")
    ]
    (key,) = {piece.key.split("/")[1] for piece in pieces if "/head" in piece.key}
    record = met.store.get(key)
    assert record is not None
    met.store.add(other(key), attrs.evolve(record, conference_id=OTHER, focus_uri=other(record.focus_uri)))
    return met, pieces, healthy


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if at:
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from paths(each, (*at, name))


@st.composite
def damaged(draw: st.DrawFn) -> Piece:
    """A piece of the meeting in which one thing is wrong: a field, the whole, or its key."""
    _, pieces, _ = scene()
    piece = draw(st.sampled_from(pieces))
    how = draw(st.sampled_from(["field", "field", "field", "gone", "raw", "key"]))
    if how == "raw":
        nested = b'{"version":1,"a":' + b"[" * 100_000
        return Piece(piece.key, draw(st.sampled_from([b"", b"null", b"\xff", b"[" * 100_000, nested])))
    if how == "key":
        start = piece.key.rpartition("/")[0]
        return Piece(f"{start}/{draw(st.sampled_from(NAMES))}", piece.value)
    fields = json.loads(piece.value or b"")
    *way, last = draw(st.sampled_from(list(paths(fields))))
    at = fields
    for name in way:
        at = at[name]
    if how == "gone":
        del at[last]
    else:
        at[last] = draw(st.sampled_from(WRONG))
    return Piece(piece.key, json.dumps(fields).encode())


def server(met: Restarting) -> tuple[Any, Any]:
    """One that begins where the Focus of the meeting was; nobody answers it."""
    farm, place = met.sim.farm, met.sim.farm.places["focus"]
    given = CoreSettings(
        domain=farm.plan.domain,
        store=met.store,
        mcu_factory_url=farm.places["mcu-factory"].url(parts.MCU_FACTORY_PATH),
        callback_url=place.url(parts.FOCUS_PATH),
        policy=farm.plan.conference_policy,
    )
    return parts.server(place, ("focus",), given, entropy=sip.SeededEntropy(b"damaged"), durable=True)


@settings(max_examples=80, deadline=None)
@given(damaged())
def test_whatever_is_wrong_in_one_piece_the_other_conference_goes_on(bad: Piece) -> None:
    met, pieces, healthy = scene()
    element, cores = server(met)
    now = met.network.now
    kept = [bad if piece.key == bad.key else piece for piece in pieces]
    element.pump.restore([*kept, *([] if bad in kept else [bad]), *healthy], now=now)
    told = element.settle([], now=now)
    assert any(OTHER in uri for uri in cores.focus.conferences)
    end = now + 60.0
    for _ in range(200):
        for machine, exchange in element.c3p_to_send(now=now):
            told += machine.exchange_failed(exchange.id, ExchangeFailure.TIMEOUT, now=now)
        list(element.pump.data_to_send())
        change = element.change_to_save()
        if change is not None:
            element.persisted(change.id)
        told += element.settle([], now=now)
        due = element.next_timeout()
        assert due is None or math.isfinite(due)
        if due is None or due > end:
            break
        now = max(now, due)
        told += element.handle_timeout(now=now)
    assert [event for event in told if isinstance(event, InternalFault)] == []
    cores.focus.snapshot()
    element.pump.endpoint.snapshot()


@pytest.mark.parametrize(
    ("field", "value"),
    [("expires_at", "x"), ("subject", 5), ("organizer", None), ("lobby_capable", 0), ("mcu_types", ["sip:"])],
)
def test_a_record_that_is_none_leaves_its_conference_out_whole(field: str, value: object) -> None:
    met, pieces, healthy = scene()
    (head,) = [piece for piece in pieces if kind_of(piece) == "head"]
    fields = json.loads(head.value or b"")
    fields["record"][field] = value
    bad = Piece(head.key, json.dumps(fields).encode())
    element, cores = server(met)
    element.pump.restore([*[bad if piece is head else piece for piece in pieces], *healthy], now=met.network.now)
    told = element.settle([], now=met.network.now)
    assert [event.key for event in told if isinstance(event, StateUnreadable)] == [head.key]
    (goes_on,) = cores.focus.conferences
    assert OTHER in goes_on


@pytest.mark.parametrize("unreadable", [False, True])
def test_calls_at_an_mcu_of_which_nothing_is_known_are_not_shown_for_ever(unreadable: bool) -> None:
    met = with_bob()
    if unreadable:
        pieces = [sip.write_piece(one.key, 99, {}) if kind_of(one) == "mcu" else one for one in met.pieces]
        met.network.remove(met.host("focus"))
        met.begin_again(pieces)
    else:
        met.restart(lambda piece: kind_of(piece) != "mcu")
    assert met.statuses(BOB) == []
    met.network.run_for(3600.0)
    assert met.host("phone").of(PhoneReleased)
    assert met.statuses(BOB) == []
    assert met.roster("watcher") == met.true_roster()


def test_whose_bye_was_out_is_not_in_any_more() -> None:
    met = begun()
    pieces = []
    for piece in met.pieces:
        if kind_of(piece) == "dialog":
            fields = json.loads(piece.value or b"")
            if "session" in fields:
                fields.get("session", {})["ending"] = True
            piece = Piece(piece.key, json.dumps(fields).encode())
        pieces.append(piece)
    for name in ("presenter", "watcher"):
        met.network.remove(met.host(name))
    met.network.remove(met.host("focus"))
    met.begin_again(pieces)
    met.network.run_for(400.0)
    assert met.host("focus").of(InternalFault) == []
    assert met.focus.conferences == ()
