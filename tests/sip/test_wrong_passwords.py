"""Wrong passwords are limited by source and by user, and nobody is locked out where he proved himself."""

from __future__ import annotations

import attrs
import pytest

from sip import (
    Address,
    Authenticator,
    AuthenticatorConfig,
    Challenged,
    Credentials,
    CredentialsRefused,
    DigestClient,
    Flow,
    Identification,
    Identified,
    LocalProtocolError,
    PasswordStore,
    Pending,
    Refused,
    Request,
    SeededEntropy,
    WrongPasswordLimits,
    digest_secret,
    parse_message,
)
from sip.authentication.wrong_passwords import WrongPasswords

HERE = Address("192.0.2.10", 5060)
PASSWORDS = {"bob": "zanzibar", "carol": "geheim"}
LIMITS = WrongPasswordLimits(per_source=6, per_user=3, window=60.0, proved_lifetime=1_000.0)
HOME, ELSEWHERE, THIRD = "198.51.100.2", "203.0.113.5", "203.0.113.6"


def flow(host: str, transport: str = "TCP") -> Flow:
    return Flow(hash(host) % 1_000, transport, HERE, Address(host, 5060))


class Place:
    """An authenticator, and who tries passwords there."""

    def __init__(self, limits: WrongPasswordLimits = LIMITS, store: object = None) -> None:
        config = AuthenticatorConfig(domains=("example.com",), wrong_passwords=limits)
        known = store or PasswordStore(PASSWORDS)
        self.there = Authenticator(config, known, key=b"key", entropy=SeededEntropy(b"a"))  # type: ignore[arg-type]
        self.now = 0.0

    def credentials(self, user: str, password: str, host: str, transport: str = "TCP") -> Request:
        """What answers a challenge that was sent to a host."""
        first = request(user)
        asked = self.shown(first, host, transport)
        assert isinstance(asked, Challenged), asked
        client = DigestClient(lambda realm: Credentials(user, password), entropy=SeededEntropy(user.encode()))
        return request(user, client.answer(first.response(asked.status, headers=asked.headers), first))

    def shown(self, made: Request, host: str, transport: str = "TCP") -> Identification:
        return self.there.identify(made, flow(host, transport), now=self.now)

    def tries(self, user: str, password: str, host: str, transport: str = "TCP") -> Identification:
        return self.shown(self.credentials(user, password, host, transport), host, transport)

    def guesses(self, count: int, host: str, user: str = "bob", transport: str = "TCP") -> list[Identification]:
        return [self.tries(user, f"guess {number}", host, transport) for number in range(count)]


def request(user: str, headers: tuple[tuple[str, str], ...] = ()) -> Request:
    address = f"<sip:{user}@example.com>"
    made = Request.build(
        "MESSAGE",
        "sip:carol@example.com",
        [
            ("Via", "SIP/2.0/TCP 198.51.100.7;branch=z9hG4bK1"),
            ("Max-Forwards", "70"),
            ("From", f"{address};tag=1"),
            ("To", "<sip:carol@example.com>"),
            ("Call-ID", "one"),
            ("CSeq", "1 MESSAGE"),
            *headers,
        ],
    )
    read = parse_message(bytes(made))
    assert isinstance(read, Request)
    return read


def retry_after(found: Identification) -> int:
    assert isinstance(found, Refused), found
    assert found.status == 503
    ((name, seconds),) = found.headers
    assert name == "Retry-After"
    return int(seconds)


def is_stale(found: Identification) -> bool:
    assert isinstance(found, Challenged), found
    return "stale=true" in found.headers[0][1]


def test_so_many_wrong_passwords_for_a_user_are_heard_from_all_sources_together() -> None:
    place = Place()
    for number in range(3):
        assert isinstance(place.tries("bob", "guess", f"203.0.113.{number}"), Challenged)
    assert retry_after(place.tries("bob", "guess", "203.0.113.9")) == 20
    assert retry_after(place.tries("bob", "zanzibar", "203.0.113.9")) == 20
    assert isinstance(place.tries("carol", "geheim", "203.0.113.9"), Identified)


def test_so_many_wrong_passwords_of_a_source_are_heard_for_all_users_together() -> None:
    place = Place()
    for number in range(6):
        assert isinstance(place.tries(f"user {number}", "guess", ELSEWHERE), Challenged)
    assert retry_after(place.tries("user 7", "guess", ELSEWHERE)) == 10
    assert retry_after(place.tries("bob", "zanzibar", ELSEWHERE)) == 10
    assert isinstance(place.tries("bob", "zanzibar", HOME), Identified)


def test_refused_credentials_are_told_with_source_name_and_reason() -> None:
    place = Place()
    place.tries("bob", "zanzibar", HOME)
    place.shown(request("bob"), ELSEWHERE)  # a challenge is no refusal
    assert place.there.take_events() == []
    place.tries("nobody", "guess", ELSEWHERE)
    for _ in range(3):
        place.tries("bob", "guess", ELSEWHERE)
    place.tries("bob", "zanzibar", ELSEWHERE)
    made = place.credentials("carol", "geheim", HOME)
    place.shown(made.evolve(set={"From": "<sip:bob@example.com>;tag=1"}), HOME)
    told = [
        (event.username, event.source, event.reason)
        for event in place.there.take_events()
        if isinstance(event, CredentialsRefused)
    ]
    assert told == [
        ("nobody", ELSEWHERE, "wrong name or password"),
        *[("bob", ELSEWHERE, "wrong name or password")] * 3,
        ("bob", ELSEWHERE, "too many wrong passwords"),
        ("carol", HOME, "it is not his name in From, or in P-Preferred-Identity"),
    ]
    assert place.there.handle_timeout(now=1.0) == []
    assert place.there.next_timeout() is None


def test_nothing_is_told_of_credentials_that_anybody_can_forge() -> None:
    place = Place()
    made = place.credentials("bob", "guess", ELSEWHERE, "UDP")
    assert is_stale(place.shown(made, HOME, "UDP"))
    assert place.there.take_events() == []


def test_the_addresses_of_one_ipv6_network_are_one_source() -> None:
    place = Place()
    for number in range(6):
        place.tries(f"user {number}", "guess", f"2001:db8::{number + 1}")
    assert retry_after(place.tries("user 7", "guess", "2001:db8::77"))
    assert isinstance(place.tries("user 7", "guess", "2001:db8:1::1"), Challenged)


def test_after_the_time_that_was_told_one_more_is_heard() -> None:
    place = Place()
    place.guesses(3, ELSEWHERE)
    place.now += retry_after(place.tries("bob", "zanzibar", ELSEWHERE)) - 1
    wait = retry_after(place.tries("bob", "zanzibar", ELSEWHERE))
    place.now += wait
    assert isinstance(place.tries("bob", "zanzibar", ELSEWHERE), Identified)


def test_what_is_refused_does_not_make_the_time_longer() -> None:
    place = Place()
    place.guesses(3, ELSEWHERE)
    assert {retry_after(each) for each in place.guesses(50, ELSEWHERE)} == {20}


def test_right_passwords_are_not_counted() -> None:
    place = Place()
    assert all(isinstance(place.tries("bob", "zanzibar", ELSEWHERE), Identified) for _ in range(20))


def test_a_user_under_attack_gets_in_from_where_he_proved_himself_and_from_nowhere_else() -> None:
    place = Place()
    assert isinstance(place.tries("bob", "zanzibar", HOME), Identified)
    place.guesses(5, ELSEWHERE)
    assert isinstance(place.tries("bob", "zanzibar", HOME), Identified)
    assert retry_after(place.tries("bob", "zanzibar", ELSEWHERE))
    assert retry_after(place.tries("bob", "zanzibar", THIRD))


def test_users_behind_an_address_from_which_others_guess_stay_in() -> None:
    place = Place()
    assert isinstance(place.tries("carol", "geheim", HOME), Identified)
    for number in range(8):
        place.tries(f"user {number}", "guess", HOME)
    assert isinstance(place.tries("carol", "geheim", HOME), Identified)
    assert retry_after(place.tries("bob", "zanzibar", HOME))


def test_a_phone_whose_nonce_is_old_is_asked_again_while_its_user_is_under_attack() -> None:
    place = Place()
    old = place.credentials("bob", "zanzibar", HOME)
    assert isinstance(place.shown(old, HOME), Identified)
    place.guesses(5, ELSEWHERE)
    assert is_stale(place.shown(old, HOME))


def test_a_proof_is_good_for_a_time() -> None:
    place = Place()
    place.tries("bob", "zanzibar", HOME)
    place.now = 1_001.0
    place.guesses(5, ELSEWHERE)
    assert retry_after(place.tries("bob", "zanzibar", HOME))


def test_from_where_a_user_proved_himself_his_password_is_not_guessed_without_end() -> None:
    place = Place()
    place.tries("bob", "zanzibar", HOME)
    place.guesses(4, HOME)
    assert retry_after(place.tries("bob", "zanzibar", HOME))


@pytest.mark.parametrize("proved_at_home", [False, True])
def test_a_user_who_is_known_and_one_who_is_not_are_answered_alike(proved_at_home: bool) -> None:
    """Whoever shares an address with bob learns neither that he exists nor that he is there."""
    told = []
    for user in ("bob", "nobody"):
        place = Place()
        if proved_at_home:
            place.tries("bob", "zanzibar", HOME)
        answers = place.guesses(9, HOME, user)
        told.append([(type(each), each.headers if isinstance(each, Refused) else None) for each in answers])
    assert told[0] == told[1]


def test_a_right_password_that_is_not_heard_is_answered_like_a_wrong_one() -> None:
    place = Place()
    place.guesses(3, ELSEWHERE)
    answers = [place.tries("bob", password, ELSEWHERE) for password in ("zanzibar", "guess")]
    assert answers[0] == answers[1]
    again = place.credentials("bob", "zanzibar", ELSEWHERE)
    assert [place.shown(again, ELSEWHERE) for _ in range(2)] == answers, "even when it comes twice"


def test_upper_case_is_no_other_user() -> None:
    place = Place()
    for user in ("bob", "Bob", "BOB"):
        place.tries(user, "guess", ELSEWHERE)
    assert retry_after(place.tries("bOb", "guess", THIRD))


def test_networks_that_are_exempt_have_no_limit() -> None:
    place = Place(attrs.evolve(LIMITS, exempt_networks=("198.51.100.0/24",)))
    assert all(isinstance(each, Challenged) for each in place.guesses(30, HOME))
    assert isinstance(place.tries("bob", "zanzibar", ELSEWHERE), Identified), "nor does anybody pay for them"


class Edge(Place):
    """A place behind a proxy of ours, which says in Via where it has a request from."""

    def shown(self, made: Request, host: str, transport: str = "TCP") -> Identification:
        via = f"SIP/2.0/UDP phone.invalid;received={host};branch=z9hG4bK2"
        passed = made.evolve(set={"Via": ["SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK3", via]})
        return self.there.identify(passed, flow("10.0.0.1"), now=self.now)


def edge() -> Edge:
    return Edge(attrs.evolve(LIMITS, exempt_networks=("10.0.0.0/8",)))


def test_what_a_proxy_of_ours_passes_on_counts_for_whom_it_got_it_from() -> None:
    place = edge()
    for number in range(6):
        place.tries(f"user {number}", "guess", ELSEWHERE)
    assert retry_after(place.tries("carol", "geheim", ELSEWHERE))
    assert isinstance(place.tries("carol", "geheim", HOME), Identified)


def test_behind_a_proxy_of_ours_a_user_under_attack_gets_in_where_he_proved_himself() -> None:
    place = edge()
    place.tries("bob", "zanzibar", HOME)
    place.guesses(9, ELSEWHERE)
    assert isinstance(place.tries("bob", "zanzibar", HOME), Identified)
    assert retry_after(place.tries("bob", "zanzibar", ELSEWHERE))


def test_a_source_that_is_forged_to_a_proxy_of_ours_is_not_charged() -> None:
    place = edge()
    for _ in range(9):
        assert is_stale(place.shown(place.credentials("bob", "guess", ELSEWHERE), HOME))
    assert isinstance(place.tries("bob", "zanzibar", HOME), Identified)


def test_who_is_exempt_is_exempt_behind_a_proxy_of_ours_too() -> None:
    assert all(isinstance(each, Challenged) for each in edge().guesses(30, "10.0.0.9"))


def test_the_name_of_an_exempt_source_that_is_forged_to_a_proxy_of_ours_is_good_for_no_guess() -> None:
    place = edge()
    for password in ("zanzibar", "guess"):
        assert is_stale(place.shown(place.credentials("bob", password, ELSEWHERE), "10.0.0.9"))


# Sources that can be forged


def test_nobody_is_locked_out_by_datagrams_in_his_name() -> None:
    place = Place()
    for number in range(20):
        forged = place.credentials(f"user {number % 7}", "guess", ELSEWHERE)  # its nonce was sent to somebody else
        assert is_stale(place.shown(forged, HOME, "UDP"))
    assert isinstance(place.tries("bob", "zanzibar", HOME, "UDP"), Identified)


def test_a_nonce_of_somebody_else_is_good_for_no_guess() -> None:
    """Right or wrong, the answer is the same; otherwise a guesser with two addresses had no limit."""
    place = Place()
    for password in ("zanzibar", "guess"):
        assert is_stale(place.shown(place.credentials("bob", password, ELSEWHERE), HOME, "UDP"))


def test_an_invented_nonce_is_good_for_no_guess() -> None:
    place, other = Place(), Place()
    other.there = Authenticator(
        AuthenticatorConfig(domains=("example.com",)), PasswordStore(PASSWORDS), key=b"x", entropy=SeededEntropy(b"b")
    )
    for password in ("zanzibar", "guess"):
        assert is_stale(place.shown(other.credentials("bob", password, HOME), HOME))


def test_over_udp_guesses_are_counted_as_well() -> None:
    place = Place()
    place.guesses(3, ELSEWHERE, transport="UDP")
    assert retry_after(place.tries("bob", "zanzibar", ELSEWHERE, "UDP"))


# Stores that answer later


class Slow:
    def __init__(self) -> None:
        self.asked = 0

    def secret(self, username: str, realm: str, algorithm: str) -> Pending:
        self.asked += 1
        return Pending(f"question {self.asked}")


def test_guesses_that_wait_together_are_counted_when_they_are_answered() -> None:
    place = Place(store=Slow())
    asked = place.guesses(5, ELSEWHERE)
    secret = digest_secret("MD5", "bob", "example.com", "zanzibar")
    answers = [place.there.resolved(each.id, secret, now=0.0) for each in asked if isinstance(each, Pending)]
    assert [type(each) for each in answers] == [Challenged] * 3 + [Refused] * 2


# Bounds


def test_what_is_remembered_is_bounded() -> None:
    wrong = WrongPasswords(LIMITS)
    for number in range(25_000):
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        assert wrong.right(f"user {number}", host, now=0.0) is None
        assert wrong.wrong(f"user {number}" * 10, host, now=0.0) is None
    assert len(wrong) <= 50_000


@pytest.mark.parametrize(
    "mistake",
    [{"per_source": 0}, {"per_user": -1}, {"window": float("inf")}, {"exempt_networks": ("everybody",)}],
)
def test_limits_that_are_none_are_a_mistake_of_the_caller(mistake: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError, match=next(iter(mistake))):
        WrongPasswordLimits(**mistake)  # type: ignore[arg-type]
