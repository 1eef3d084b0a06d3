"""What one user may begin through a proxy, from however many sources; the others go on."""

from __future__ import annotations

from sip import ProxyConfig, Request, Response
from tests.sip.test_identified_requests import BOB, BOBS, EVE, EVES, STRANGERS, TRUSTED, Town

CAROLS, CAROL = "198.51.100.4", "sip:carol@example.com"


class Exchange(Town):
    """A town with carol's phone, which rings and is answered by hand."""

    def __init__(self, *, at_once: int = 50, a_minute: float = 120.0) -> None:
        super().__init__(
            proxy=ProxyConfig(max_invites_per_user=at_once, invites_a_minute_per_user=a_minute),
            trusted_networks=(f"{TRUSTED}/32",),
        )
        self.register("carol", CAROLS)
        self.ringing: list[Request] = []
        self.callers: list[tuple[Request, str]] = []

    def calls(self, host: str = BOBS, from_: str = BOB, user: str = "bob", to: str = CAROL) -> str:
        """Have carol called: whether her phone rings, or what the caller hears."""
        made = (
            self.request("INVITE", to, host, from_)
            if host == TRUSTED
            else self.proven("INVITE", to, host, from_, user=user)
        )
        self.receive(made, host)
        rings = [each for each in self.sent(CAROLS) if isinstance(each, Request) and each.method == "INVITE"]
        if rings:
            self.ringing += rings
            self.callers.append((made, host))
            return "rings"
        (heard,) = [each for each in self.sent(host) if isinstance(each, Response)]
        return f"{heard.status} after {heard.headers.get('Retry-After')}" if heard.status == 503 else str(heard.status)

    def answers(self, status: int) -> None:
        """Carol's phone answers the first call that rings."""
        _, host = self.callers.pop(0)
        contact = [("Contact", f"<sip:carol@{CAROLS}>")]
        self.receive(self.ringing.pop(0).response(status, to_tag="c", headers=contact), CAROLS)
        self.sent(host)

    def waits(self, seconds: float) -> None:
        """Time passes, and what is sent again meanwhile is lost."""
        self.advance(seconds)
        self._sent.clear()


def test_open_invites_of_a_user_are_limited_from_all_sources_together_and_others_go_on() -> None:
    town = Exchange(at_once=2)
    assert [town.calls(), town.calls(STRANGERS), town.calls(), town.calls("203.0.113.6")] == [
        "rings",
        "rings",
        "503 after 5",
        "503 after 5",
    ]
    assert town.calls(EVES, EVE, "eve") == "rings"


def test_another_name_of_the_domain_is_no_other_user() -> None:
    town = Exchange(at_once=1)
    assert town.calls() == "rings"
    assert town.calls(STRANGERS, "<sip:BOB@192.0.2.10>") == "503 after 5"


def test_an_answer_makes_room_whatever_it_is() -> None:
    for status in (200, 486, 603):
        town = Exchange(at_once=1)
        assert [town.calls(), town.calls()] == ["rings", "503 after 5"]
        town.answers(status)
        assert town.calls() == "rings", status


def test_a_call_that_is_given_up_makes_room() -> None:
    town = Exchange(at_once=1)
    town.calls()
    ((made, host),) = town.callers
    town.receive(_cancel(made), host)
    town.answers(487)
    assert town.calls() == "rings"


def test_a_phone_that_never_answers_holds_a_place_for_a_time_and_nothing_stays() -> None:
    town = Exchange(at_once=1)
    town.calls()
    town.waits(400)
    assert town.proxy.sizes["callers"] == 0
    assert set(town.proxy.sizes.values()) == {0}


def test_invites_a_minute_of_a_user_are_limited_and_come_back_in_time() -> None:
    town = Exchange(a_minute=3)
    for _ in range(3):
        assert town.calls() == "rings"
        town.answers(486)
    assert town.calls() == "503 after 20"
    assert town.calls(EVES, EVE, "eve") == "rings"
    town.waits(20)
    assert town.calls() == "rings"


def test_what_reaches_nobody_is_not_counted() -> None:
    town = Exchange(at_once=1, a_minute=2)
    assert [town.calls(to="sip:nobody@example.com") for _ in range(5)] == ["480"] * 5
    assert town.calls() == "rings"


def test_what_a_trusted_peer_sends_for_many_is_not_counted_as_one_user() -> None:
    town = Exchange(at_once=1)
    assert [town.calls(TRUSTED) for _ in range(4)] == ["rings"] * 4


def _cancel(invite: Request) -> Request:
    return Request.build(
        "CANCEL",
        str(invite.uri),
        [
            *((name, invite.headers.get_all(name)[0]) for name in ("Via", "From", "To", "Call-ID")),
            ("Max-Forwards", "70"),
            ("CSeq", f"{invite.cseq.number} CANCEL"),
        ],
    )
