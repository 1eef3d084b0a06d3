"""The Factory picks an MCU, and nothing else."""

from __future__ import annotations

import pytest

from c3p import (
    MCU_HTTP_URI,
    MCU_ID,
    MCU_SERVER_URI,
    AddConference,
    Code,
    ConferenceKeys,
    DeleteConference,
    ExchangeFailure,
    GetMcuHealth,
    RegisterMcu,
    Reply,
    Request,
    Response,
    focus_uri,
)
from mcu import (
    AnnouncementFault,
    AnnouncementRefused,
    FactoryConfig,
    McuAllocated,
    McuFactory,
    McuForgotten,
    McuRegistered,
    StaticMcu,
    diagnostics_of,
)


def conference(number: int = 1) -> str:
    return focus_uri("sip:alice@example.com", f"CONF{number:08}")


def ask(command: AddConference | RegisterMcu | DeleteConference, *more: AddConference) -> Request:
    return Request(request_id="7", from_=conference(), to="https://factory.example.com/", command=command, more=more)


class Farm:
    """A Factory, and what its peers say to it."""

    def __init__(self, **settings: object) -> None:
        self.factory = McuFactory(FactoryConfig(**settings))  # type: ignore[arg-type]
        self.now = 1000.0

    def announce(self, mcu_id: str, *, peer: str | None = None, **numbers: object) -> Reply:
        command = RegisterMcu(
            mcu_id=mcu_id,
            mcu_types=("audio-video",),
            **{  # type: ignore[arg-type]
                "http_url": f"http://{mcu_id}.example.com/",
                "sip_uri": f"sip:{mcu_id}.example.com",
                "capacity": 100,
                **numbers,
            },
        )
        return self.factory.receive_c3p(ask(command), peer=peer or mcu_id, now=self.now)

    def allocate(
        self, number: int = 1, *, exclude: tuple[str, ...] = (), mcu_type: str = "audio-video", peer: str = "focus"
    ) -> Reply:
        command = AddConference(
            conference_keys=ConferenceKeys(conf_entity=conference(number)), mcu_type=mcu_type, exclude=exclude
        )
        return self.factory.receive_c3p(ask(command), peer=peer, now=self.now)

    def chosen(self, number: int = 1, **more: object) -> str | None:
        reply = self.allocate(number, **more)  # type: ignore[arg-type]
        response = reply.document
        assert response is not None
        if response.code is Code.FAILURE:
            assert response.reason == "serverBusy"
            return None
        assert isinstance(response.command, AddConference)
        info = response.command.connection_info
        assert info is not None
        return info.get(MCU_ID)


def test_the_answer_says_where_the_mcu_is() -> None:
    farm = Farm()
    farm.announce("mcu1")
    reply = farm.allocate()
    assert reply.status == 200
    response = reply.document
    assert isinstance(response, Response)
    assert response.code is Code.SUCCESS
    assert response.request_id == "7"
    assert isinstance(response.command, AddConference)
    info = response.command.connection_info
    assert info is not None
    assert info.get(MCU_HTTP_URI) == "http://mcu1.example.com/"
    assert info.get(MCU_SERVER_URI) == "sip:mcu1.example.com"
    assert farm.factory.take_events() == [
        McuRegistered(owner="", mcu_id="mcu1"),
        McuAllocated(owner="", conference=conference(), mcu_id="mcu1"),
    ]


def test_conferences_go_to_the_least_loaded_and_stay_there() -> None:
    farm = Farm()
    farm.announce("mcu1", legs=50)
    farm.announce("mcu2", legs=10)
    assert farm.chosen(1) == "mcu2"
    farm.announce("mcu2", legs=99)
    assert farm.chosen(1) == "mcu2"
    assert farm.chosen(2) == "mcu1"


def test_conferences_just_given_count_before_the_mcu_reports_them() -> None:
    farm = Farm()
    farm.announce("mcu1")
    farm.announce("mcu2")
    assert [farm.chosen(number) for number in range(4)] == ["mcu1", "mcu2", "mcu1", "mcu2"]


def test_a_failed_mcu_is_excluded_and_another_one_tried() -> None:
    farm = Farm()
    farm.announce("mcu1")
    farm.announce("mcu2", legs=5)
    assert farm.chosen() == "mcu1"
    assert farm.chosen(exclude=("mcu1",)) == "mcu2"
    assert farm.chosen() == "mcu2"
    assert farm.chosen(exclude=("mcu1", "mcu2")) is None


def test_no_mcu_is_server_busy_with_a_time_to_come_back() -> None:
    farm = Farm()
    response = farm.allocate().document
    assert response is not None
    assert (response.code, response.reason, response.retry_after) == (Code.FAILURE, "serverBusy", 10)
    assert (diagnostics_of(response) or "").startswith("7000;")


def test_an_mcu_is_forgotten_after_35_seconds_of_silence() -> None:
    farm = Farm()
    farm.announce("mcu1")
    assert farm.factory.next_timeout() == 1035.0
    farm.now = 1034.9
    assert farm.chosen() == "mcu1"
    farm.now = 1035.0
    farm.factory.take_events()
    assert farm.factory.handle_timeout(now=farm.now) == [McuForgotten(owner="", mcu_id="mcu1")]
    assert farm.chosen() is None
    farm.announce("mcu1")
    assert farm.chosen() == "mcu1"


def test_a_draining_mcu_gets_nothing_new() -> None:
    farm = Farm()
    farm.announce("mcu1")
    assert farm.chosen(1) == "mcu1"
    farm.announce("mcu1", draining=True)
    assert farm.chosen(1) == "mcu1"
    assert farm.chosen(2) is None


def test_only_known_principals_are_answered() -> None:
    farm = Farm(focus_peers=frozenset({"focus"}), mcu_peers=frozenset({"mcu1"}))
    assert farm.announce("mcu1").status == 200
    assert farm.announce("mcu2").status == 403
    assert farm.allocate(peer="stranger").status == 403
    assert farm.allocate(peer="").status == 401
    assert farm.factory.mcus == ("mcu1",)
    assert farm.factory.counters == {"announcements refused": 1}


def test_nobody_speaks_for_the_mcu_of_another_principal() -> None:
    farm = Farm()
    farm.announce("mcu1")
    assert farm.announce("mcu1", peer="mallory", draining=True).status == 403
    assert farm.chosen() == "mcu1"


def test_an_mcu_that_may_have_any_id_does_not_take_that_of_another() -> None:
    farm = Farm(id_is_principal=False)
    assert farm.announce("video", peer="mcu1").status == 200
    assert farm.announce("video", peer="mallory").status == 403
    assert refusals(farm) == [("video", "mallory", AnnouncementFault.ID_TAKEN)]


def test_a_principal_announces_its_workers_and_no_others() -> None:
    farm = Farm()
    assert farm.announce("mcu1.1", peer="mcu1").status == 200
    assert farm.announce("mcu1.2", peer="mcu1").status == 200
    for other in ("mcu2.1", "mcu1.x", "mcu1.", "mcu11", "mcu1.1.1"):
        assert farm.announce(other, peer="mcu1").status == 403
    assert farm.factory.mcus == ("mcu1.1", "mcu1.2")


@pytest.mark.parametrize(
    ("http_url", "sip_uri"),
    [
        ("http://192.0.2.9/", "sip:mcu@192.0.2.1"),
        ("http://192.0.2.1@192.0.2.9/", "sip:mcu@192.0.2.1"),
        ("http://192.0.2.9\\@192.0.2.1/", "sip:mcu@192.0.2.1"),
        ("ftp://192.0.2.1/", "sip:mcu@192.0.2.1"),
        ("http://[192.0.2.1/", "sip:mcu@192.0.2.1"),
        ("http://192.0.2.1:99999/", "sip:mcu@192.0.2.1"),
        ("http://192.0.2.2/", "sip:mcu@192.0.2.1"),
        ("http://192.0.2.1/", "sip:mcu@192.0.2.9"),
        ("http://192.0.2.1/", "sip:mcu@192.0.2.1;maddr=192.0.2.9"),
        ("http://192.0.2.1/", "tel:+15550100"),
    ],
)
def test_an_mcu_is_taken_on_its_own_hosts_only(http_url: str, sip_uri: str) -> None:
    farm = Farm(mcu_hosts={"mcu1": frozenset({"192.0.2.1", "mcu1.example.com"}), "mcu2": frozenset({"192.0.2.2"})})
    assert farm.announce("mcu1", http_url=http_url, sip_uri=sip_uri).status == 403
    assert refusals(farm) == [("mcu1", "mcu1", AnnouncementFault.HOST)]
    assert farm.announce("mcu1", http_url="https://MCU1.example.com:444/x", sip_uri="sips:mcu@192.0.2.1").status == 200


def test_two_mcus_under_one_id_do_not_take_turns() -> None:
    farm = Farm()
    farm.announce("mcu1", http_url="http://192.0.2.1:8445/")
    assert farm.announce("mcu1", http_url="http://192.0.2.2:8445/").status == 403
    assert [event.fault for event in farm.factory.take_events() if isinstance(event, AnnouncementRefused)] == [
        AnnouncementFault.ID_TAKEN
    ]
    farm.now += 36.0  # the first is gone, or has moved
    assert farm.announce("mcu1", http_url="http://192.0.2.2:8445/").status == 200


def test_malformed_and_unknown_commands_are_refused() -> None:
    farm = Farm()

    def refused(request: Request) -> tuple[str | None, str | None]:
        response = farm.factory.receive_c3p(request, peer="focus", now=farm.now).document
        assert response is not None
        return response.reason, (diagnostics_of(response) or "").partition(";")[0]

    keys = ConferenceKeys(conf_entity=conference())
    good = AddConference(conference_keys=keys, mcu_type="audio-video")
    assert refused(ask(AddConference(conference_keys=keys))) == ("requestMalformed", "7005")
    assert refused(ask(AddConference(mcu_type="audio-video"))) == ("requestMalformed", "7005")
    assert refused(ask(RegisterMcu(mcu_id="focus"))) == ("requestMalformed", "7005")
    assert refused(ask(good, good)) == ("requestMalformed", "3006")
    assert refused(ask(DeleteConference(conference_keys=keys))) == ("notSupported", "3004")
    response = ask(good).respond(Code.SUCCESS)
    assert farm.factory.receive_c3p(response, peer="focus", now=farm.now).status == 400


def test_limits_hold() -> None:
    farm = Farm(max_mcus=1, max_conferences=2)
    farm.announce("mcu1", legs=50)
    reply = farm.announce("mcu2")
    assert reply.document is not None
    assert reply.document.reason == "serverBusy"
    for number in range(5):
        assert farm.chosen(number) == "mcu1"


def refusals(farm: Farm) -> list[tuple[str, str, AnnouncementFault]]:
    found = [event for event in farm.factory.take_events() if isinstance(event, AnnouncementRefused)]
    return [(event.mcu_id, event.peer, event.fault) for event in found]


def test_a_refused_announcement_is_reported_once_with_what_is_wrong_with_it() -> None:
    farm = Farm(mcu_peers=frozenset({"mcu1", "mcu2", "mcu3"}), max_mcus=2)
    farm.announce("mcu1")
    for _ in range(3):
        farm.announce("stranger")
        farm.announce("mcu1", peer="mcu2")
        farm.announce("", peer="mcu2")
        farm.factory.receive_c3p(ask(RegisterMcu(mcu_id="mcu2")), peer="", now=farm.now)
    assert refusals(farm) == [
        ("stranger", "stranger", AnnouncementFault.PRINCIPAL),
        ("mcu1", "mcu2", AnnouncementFault.NOT_ITS_ID),
        ("", "mcu2", AnnouncementFault.INCOMPLETE),
        ("mcu2", "", AnnouncementFault.NOT_AUTHENTICATED),
    ]
    farm.announce("mcu2")
    farm.announce("mcu3")
    assert refusals(farm) == [("mcu3", "mcu3", AnnouncementFault.NO_ROOM)]


def test_an_mcu_that_was_taken_in_between_is_reported_again() -> None:
    farm = Farm(max_mcus=1)
    farm.announce("mcu1")
    farm.announce("mcu2")
    farm.now += 40.0
    farm.announce("mcu2")
    farm.now += 40.0
    farm.announce("mcu1")
    farm.announce("mcu2")
    assert refusals(farm) == [("mcu2", "mcu2", AnnouncementFault.NO_ROOM)] * 2


def test_strangers_with_many_names_take_a_bounded_memory() -> None:
    farm = Farm(mcu_peers=frozenset())
    for number in range(300):
        farm.announce(f"mcu{number}" + "x" * 1000)
    first = refusals(farm)
    assert len(first) == 300
    assert max(len(mcu_id) for mcu_id, _, _ in first) == 256
    farm.announce("mcu299" + "x" * 1000)
    farm.announce("mcu0" + "x" * 1000)
    assert [mcu_id[:5] for mcu_id, _, _ in refusals(farm)] == ["mcu0x"]


LIST = (
    StaticMcu(mcu_id="mcu1", http_url="http://mcu1.example.com/", sip_uri="sip:mcu1.example.com"),
    StaticMcu(mcu_id="mcu2", http_url="http://mcu2.example.com/", sip_uri="sip:mcu2.example.com", capacity=500),
)


def test_a_list_needs_no_announcements() -> None:
    farm = Farm(mcus=LIST)
    assert farm.factory.next_timeout() is None
    assert farm.chosen() == "mcu1"


def probe(farm: Farm) -> dict[str, int]:
    farm.factory.handle_timeout(now=farm.now)
    exchanges = farm.factory.c3p_to_send()
    assert all(isinstance(exchange.document.command, GetMcuHealth) for exchange in exchanges)  # type: ignore[union-attr]
    return {exchange.url: exchange.id for exchange in exchanges}


def test_probes_find_out_who_of_the_list_is_alive_and_how_busy() -> None:
    farm = Farm(mcus=LIST, probe_interval=30.0)
    for _ in range(3):
        asked = probe(farm)
        assert set(asked) == {"http://mcu1.example.com/", "http://mcu2.example.com/"}
        farm.factory.exchange_failed(asked["http://mcu1.example.com/"], ExchangeFailure.CONNECT, now=farm.now)
        health = GetMcuHealth(mcu_id="mcu2", legs=3, conferences=1, capacity=500, draining=False)
        answer = Request(request_id="1", from_="x", to="y", command=health).respond(Code.SUCCESS, command=health)
        farm.factory.receive_reply(asked["http://mcu2.example.com/"], Reply(200, answer), now=farm.now)
        assert farm.factory.next_timeout() == farm.now + 30.0
        farm.now += 30.0
    assert farm.factory.mcus == ("mcu2",)
    assert farm.chosen() == "mcu2"
    back = probe(farm)
    farm.factory.receive_reply(back["http://mcu1.example.com/"], Reply(200, answer), now=farm.now)
    assert set(farm.factory.mcus) == {"mcu1", "mcu2"}


def test_a_probe_answered_503_means_draining_and_nonsense_is_a_miss() -> None:
    farm = Farm(mcus=LIST, probe_interval=30.0, probe_misses=1)
    asked = probe(farm)
    farm.factory.receive_reply(asked["http://mcu1.example.com/"], Reply(503), now=farm.now)
    gone = farm.factory.receive_reply(asked["http://mcu2.example.com/"], Reply(200), now=farm.now)
    assert gone == [McuForgotten(owner="", mcu_id="mcu2")]
    assert farm.chosen() is None
    assert farm.factory.receive_reply(99, Reply(200), now=farm.now) == []
    assert farm.factory.exchange_failed(99, ExchangeFailure.TIMEOUT, now=farm.now) == []


def test_who_announces_itself_is_not_probed() -> None:
    farm = Farm(mcus=LIST[:1], probe_interval=30.0)
    farm.announce("mcu9")
    assert set(probe(farm)) == {"http://mcu1.example.com/"}
