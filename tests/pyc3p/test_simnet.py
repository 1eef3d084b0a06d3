import doctest

import attrs
import pytest

import c3p
import pyc3p.simnet
from c3p import Exchange, ExchangeFailure, Reply
from pyc3p.element import Element
from pyc3p.simnet import Conditions, HttpFault, SimNetwork, SimulationFailed, VirtualClock
from pyc3p.simnet.conditions import Dice
from sip import Event, SeededEntropy

CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
URL = "http://192.0.2.2:8444/LiveServer/audio-video"


def health(number: int) -> c3p.Request:
    return c3p.Request(request_id=str(number), from_=CONF, to="mcu", command=c3p.GetMcuHealth())


@attrs.define(eq=False)
class Asker:
    """Posts what a test gives it and notes the outcome."""

    outbox: list[Exchange] = attrs.Factory(list)
    outcomes: list[object] = attrs.Factory(list)

    def c3p_to_send(self) -> list[Exchange]:
        taken, self.outbox = self.outbox, []
        return taken

    def receive_reply(self, exchange_id: int, reply: Reply, *, now: float) -> list[Event]:
        self.outcomes.append((exchange_id, reply.status))
        return []

    def exchange_failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> list[Event]:
        self.outcomes.append((exchange_id, reason))
        return []


@attrs.define(eq=False)
class Answerer:
    """Answers everything, and notes who asked for what."""

    asked: list[tuple[str, str]] = attrs.Factory(list)

    def receive_c3p(self, document: object, *, peer: str, now: float) -> Reply:
        assert isinstance(document, c3p.Request)
        self.asked.append((peer, document.request_id))
        return Reply(200, document.respond(c3p.Code.SUCCESS))


def farm(seed: int = 1) -> tuple[SimNetwork, Asker, Answerer]:
    network, asker, answerer = SimNetwork(seed), Asker(), Answerer()
    network.add(Element(name="focus", machines=[asker]), "192.0.2.1")
    network.add(Element(name="mcu", services={"/LiveServer/audio-video": answerer}), "192.0.2.2")
    return network, asker, answerer


def ask(network: SimNetwork, asker: Asker, *exchanges: Exchange) -> None:
    asker.outbox += exchanges
    host = network.host_at("192.0.2.1")
    assert host is not None
    host.kick()
    network.run_until(lambda: len(asker.outcomes) >= len(exchanges))


def test_time_passes_only_from_one_thing_to_the_next() -> None:
    clock, seen = VirtualClock(), []
    clock.at(2.0, lambda: seen.append(clock.now))
    clock.after(1.0, lambda: seen.append(clock.now))
    clock.at(1.0, lambda: seen.append("second"))
    clock.at(1.5, lambda: seen.append("never")).cancel()
    while clock.step():
        pass
    assert seen == [1.0, "second", 2.0]
    assert not clock.step()


def dice_of(seed: int, conditions: Conditions) -> Dice:
    return Dice(SeededEntropy(b"%d" % seed), conditions)


def test_the_same_seed_throws_the_same_dice() -> None:
    lossy = Conditions(loss=0.3, duplication=0.3, reordering=0.3)
    one, same, other = dice_of(1, lossy), dice_of(1, lossy), dice_of(2, lossy)
    throws = [one.copies(media=False) for _ in range(50)]
    assert throws == [same.copies(media=False) for _ in range(50)]
    assert throws != [other.copies(media=False) for _ in range(50)]
    assert [] in throws
    assert any(len(copies) == 2 for copies in throws)


def test_media_may_be_spared_from_loss() -> None:
    dice = dice_of(1, Conditions(loss=1.0, media_loss=0.0))
    assert dice.copies(media=True)
    assert not dice.copies(media=False)


def test_a_piece_of_a_stream_is_split_and_stays_whole() -> None:
    dice = dice_of(3, Conditions(split=1.0))
    pieces = dice.pieces(b"0123456789")
    assert len(pieces) == 2
    assert b"".join(pieces) == b"0123456789"


def test_documents_travel_as_bytes_and_in_order() -> None:
    network, asker, answerer = farm()
    ask(network, asker, *(Exchange(number, URL, health(number)) for number in range(5)))
    assert answerer.asked == [("focus", str(number)) for number in range(5)]
    assert asker.outcomes == [(number, 200) for number in range(5)]
    labels = [record.data.split(b"\r\n")[0] for record in network.recording]
    assert labels == [b"POST /LiveServer/audio-video HTTP/1.1", b"HTTP/1.1 200 OK"] * 5


@pytest.mark.parametrize(
    ("fault", "outcome", "carried_out"),
    [
        (HttpFault.REFUSED, ExchangeFailure.CONNECT, 0),
        (HttpFault.SILENT, ExchangeFailure.TIMEOUT, 0),
        (HttpFault.ANSWER_LOST, ExchangeFailure.TIMEOUT, 1),
        (HttpFault.GARBAGE, ExchangeFailure.UNUSABLE, 1),
    ],
)
def test_http_fails_as_a_test_asks_for(fault: HttpFault, outcome: ExchangeFailure, carried_out: int) -> None:
    network, asker, answerer = farm()
    network.web.faults["mcu"] = fault
    ask(network, asker, Exchange(1, URL, health(1), timeout=3.0, idempotent=True))
    assert asker.outcomes == [(1, outcome)]
    assert len(answerer.asked) == carried_out
    network.web.faults.clear()
    asker.outcomes.clear()
    ask(network, asker, Exchange(2, URL, health(2)))
    assert asker.outcomes == [(2, 200)]


@pytest.mark.parametrize("url", ["http://192.0.2.99:8444/x", "http://192.0.2.2:8444/elsewhere"])
def test_nobody_there_is_a_connect_failure(url: str) -> None:
    network, asker, _ = farm()
    ask(network, asker, Exchange(1, url, health(1)))
    assert asker.outcomes == [(1, ExchangeFailure.CONNECT)]


def test_a_posting_that_timed_out_is_not_begun_again() -> None:
    network, asker, answerer = farm()
    network.links.cut("focus", "mcu")
    ask(network, asker, Exchange(1, URL, health(1), timeout=3.0, idempotent=True), Exchange(2, URL, health(2)))
    assert asker.outcomes[0] == (1, ExchangeFailure.TIMEOUT)
    network.links.mend_all()
    network.run_for(60.0)
    assert [number for number, _ in asker.outcomes] == [1, 2]
    assert "1" not in [request for _, request in answerer.asked]


def test_a_document_in_a_connection_that_is_kept_waits_for_the_end_of_a_cut() -> None:
    network, asker, _ = farm()
    ask(network, asker, Exchange(1, URL, health(1)))
    network.links.cut("focus", "mcu")
    network.clock.after(8.0, network.links.mend_all)
    asker.outcomes.clear()
    ask(network, asker, Exchange(2, URL, health(2)))
    assert asker.outcomes == [(2, 200)]
    assert network.now > 8.0


def test_an_answer_waits_for_the_end_of_a_cut_and_is_too_late_after_the_time_out() -> None:
    network, asker, answerer = farm()
    network.links.cut("mcu", "focus", both=False)
    network.web._used["focus", "mcu"] = 0.0  # the connection was there before
    ask(network, asker, Exchange(1, URL, health(1), timeout=4.0))
    assert asker.outcomes == [(1, ExchangeFailure.TIMEOUT)]
    assert len(answerer.asked) == 1  # it was done
    network.links.mend_all()
    network.run_for(10.0)
    assert len(asker.outcomes) == 1


def test_what_does_not_happen_is_told_with_seed_and_ladder() -> None:
    network, asker, _ = farm(seed=77)
    ask(network, asker, Exchange(1, URL, health(1)))
    with pytest.raises(SimulationFailed) as failure:
        network.run_until(lambda: False, limit=5.0, what="the impossible")
    text = str(failure.value)
    assert "the impossible did not happen in 5 s" in text
    assert "seed 77" in text
    assert "getMcuHealth" in text
    assert network.now == pytest.approx(5.0, abs=0.1)


def test_a_host_that_is_switched_off_is_gone() -> None:
    network, asker, _ = farm()
    host = network.host_at("192.0.2.2")
    assert host is not None
    network.remove(host)
    assert network.host_at("192.0.2.2") is None
    ask(network, asker, Exchange(1, URL, health(1)))
    assert asker.outcomes == [(1, ExchangeFailure.CONNECT)]


def test_the_example_of_the_package_runs() -> None:
    assert doctest.testmod(pyc3p.simnet).failed == 0
