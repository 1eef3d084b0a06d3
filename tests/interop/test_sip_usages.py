"""Every usage of SIP over real sockets, with sipp as the other side: it judges each message that it gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sip import (
    Credentials,
    DigestConfig,
    DigestServer,
    EndCause,
    FailureCause,
    InviteReceived,
    NotifyReceived,
    PasswordStore,
    PrackReceived,
    ReinviteReceived,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SessionRedirected,
    SessionRefreshed,
    SubscribeReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    UpdateReceived,
)
from sip.aio import live_entropy
from sip.authentication.digest_server import Outcome
from tests.interop.sipp_peer import ME_TAGGED, PEER, SDP, Alice, bob, description, play

both = pytest.mark.parametrize("transport", ["UDP", "TCP"])


# We call -------------------------------------------------------------------------------------------------------------


@both
def test_we_call_and_hang_up(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("answers", tmp_path, alice) as target:
            session = alice.invite(target)
            assert (await alice.seen(SessionProgressed)).response.status == 180
            assert b"m=audio" in (await alice.seen(SessionAnswered)).response.body
            alice.bye(session)
            assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_SENT

    play(talk)


@both
@pytest.mark.parametrize("scenario", ["answers", "calls"])
def test_calls_over_ipv6(tmp_path: Path, transport: str, scenario: str) -> None:
    async def talk() -> None:
        async with Alice(transport, "::1") as alice:
            alice.on(InviteReceived, lambda event: alice.endpoint.progress(event.session, now=alice.now))
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob(scenario, tmp_path, alice) as target:
                if scenario == "answers":
                    session = alice.invite(target)
                    await alice.seen(SessionAnswered)
                    alice.bye(session)
                await alice.seen(SessionEnded)

    play(talk)


@both
def test_early_media_and_the_peer_hangs_up(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("early_media", tmp_path, alice) as target:
            alice.invite(target)
            progress = (await alice.seen(SessionProgressed)).response
            assert (progress.status, progress.content_type) == (183, SDP)
            assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_RECEIVED

    play(talk)


@both
def test_the_offer_comes_in_the_200(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("offers_in_200", tmp_path, alice) as target:
            session = alice.invite(target, offer=False)
            await alice.seen(SessionAnswered)
            alice.endpoint.ack(session, body=description(), content_type=SDP, now=alice.now)
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


@both
def test_reliable_provisional_answers_get_one_prack_each(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        alice = Alice(transport, reliable_provisionals=True)
        async with alice, bob("reliable", tmp_path, alice) as target:
            session = alice.invite(target)
            await alice.seen(SessionAnswered)
            assert [each.response.status for each in alice.of(SessionProgressed)] == [183, 180]
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


@both
def test_the_offer_comes_in_a_183_and_its_answer_goes_in_prack(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        alice = Alice(transport, reliable_provisionals=True)
        async with alice, bob("offers_in_183", tmp_path, alice) as target:
            session = alice.invite(target, offer=False)
            progress = await alice.seen(SessionProgressed)
            assert progress.awaits_prack
            assert b"m=audio" in progress.response.body
            alice.endpoint.prack(session, body=description(), content_type=SDP, now=alice.now)
            alice.kick()
            await alice.seen(SessionAnswered)
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


@both
def test_an_offer_in_prack_is_answered_in_its_200(tmp_path: Path, transport: str) -> None:
    def ring(alice: Alice, event: InviteReceived) -> None:
        alice.endpoint.progress(event.session, 183, body=description(), content_type=SDP, now=alice.now)
        alice.accept(event.session)

    def agree(alice: Alice, event: PrackReceived) -> None:
        assert b"a=sendonly" in event.request.body
        answer(alice, event.transaction, "recvonly")

    async def talk() -> None:
        async with Alice(transport) as alice:
            alice.on(InviteReceived, lambda event: ring(alice, event))
            alice.on(PrackReceived, lambda event: agree(alice, event))
            async with bob("offers_in_prack", tmp_path, alice):
                assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_RECEIVED

    play(talk)


@both
def test_the_peer_holds_with_reinvite_and_resumes_with_update(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("reinvites", tmp_path, alice) as target:
            answer_offers(alice)
            session = alice.invite(target)
            info = await alice.seen(RequestReceived)
            assert (info.request.method, info.session, info.request.body) == (
                "INFO",
                session,
                b"Signal=5\r\nDuration=160\r\n",
            )
            alice.endpoint.respond(info.transaction, 200, now=alice.now)  # type: ignore[arg-type]
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


def answer_offers(alice: Alice) -> None:
    """Answer a re-INVITE that holds, and an UPDATE that resumes."""
    alice.on(ReinviteReceived, lambda event: answer(alice, event.transaction, "recvonly"))
    alice.on(UpdateReceived, lambda event: answer(alice, event.transaction, "sendrecv"))


def answer(alice: Alice, transaction: Any, direction: str) -> None:
    alice.endpoint.respond(transaction, 200, body=description(direction), content_type=SDP, now=alice.now)


@both
def test_we_hold_resume_and_send_other_requests_inside(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("reinvited", tmp_path, alice) as target:
            session = alice.invite(target)
            await alice.seen(SessionAnswered)
            steps: list[Callable[[], object]] = [
                lambda: alice.endpoint.reinvite(session, body=description("sendonly"), content_type=SDP, now=alice.now),
                lambda: alice.endpoint.update(session, body=description(), content_type=SDP, now=alice.now),
                lambda: alice.endpoint.request_in_session(session, "INFO", now=alice.now),
                lambda: alice.endpoint.request_in_session(session, "OPTIONS", now=alice.now),
                lambda: alice.endpoint.request_in_session(
                    session, "MESSAGE", body=b"hello", content_type="text/plain", now=alice.now
                ),
            ]
            for count, step in enumerate(steps, 1):
                step()
                alice.kick()
                assert (await alice.seen(ResponseReceived, count)).response.status == 200
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


def test_a_busy_peer(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice, bob("is_busy", tmp_path, alice) as target:
            alice.invite(target)
            failed = await alice.seen(SessionFailed)
            assert (failed.status, failed.cause, failed.before_provisional) == (486, FailureCause.RESPONSE, False)

    play(talk)


def test_a_repeated_200_gets_its_ack_again(tmp_path: Path) -> None:
    async def talk() -> None:
        # Over UDP sipp takes the second ACK for a retransmission, and answers it with one more 200, for ever.
        async with Alice("TCP") as alice, bob("repeats_200", tmp_path, alice) as target:
            session = alice.invite(target)
            await alice.seen(SessionAnswered)
            await alice.quiet(0.1)
            alice.bye(session)
            await alice.seen(SessionEnded)
            assert len(alice.of(SessionAnswered)) == 1

    play(talk)


# CANCEL, redirection, credentials ------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("scenario", ["is_cancelled", "answers_cancel"])
def test_we_cancel(tmp_path: Path, transport: str, scenario: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob(scenario, tmp_path, alice) as target:
            session = alice.invite(target)
            await alice.seen(SessionProgressed)
            alice.endpoint.cancel(session, now=alice.now)
            alice.kick()
            assert (await alice.seen(SessionFailed)).cause is FailureCause.CANCELLED

    play(talk)


@both
def test_a_redirection_is_followed_to_the_better_target(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("redirects", tmp_path, alice) as target:
            session = alice.invite(target)
            redirected = await alice.seen(SessionRedirected)
            assert [each.user for each in redirected.targets] == ["mobile", "desk"]
            alice.endpoint.redirect(session, redirected.targets[0], now=alice.now)
            alice.kick()
            await alice.seen(SessionAnswered)
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


@both
def test_credentials_are_given_when_asked_for(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        known = {"example.com": Credentials("alice", "zanzibar")}
        alice = Alice(transport, credentials=known.get)
        async with alice, bob("challenges", tmp_path, alice) as target:
            session = alice.invite(target)
            await alice.seen(SessionAnswered)
            alice.bye(session)
            assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_SENT

    play(talk)


# Session timers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "refreshes"), [("is_refreshed", 2), ("is_refreshed_by_invite", 1)])
def test_we_refresh_the_session(tmp_path: Path, scenario: str, refreshes: int) -> None:
    async def talk() -> None:
        async with Alice() as alice, bob(scenario, tmp_path, alice) as target:
            alice.invite(target, session_expires=2)
            assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_RECEIVED
            assert len(alice.of(SessionRefreshed)) == refreshes

    play(talk)


def test_the_peer_refreshes_the_session(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice, bob("refreshes", tmp_path, alice) as target:
            answer_offers(alice)
            session = alice.invite(target, session_expires=2)
            await alice.seen(SessionRefreshed, 2)
            alice.bye(session)
            assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_SENT

    play(talk)


def test_a_peer_that_never_refreshes_gets_bye(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice, bob("never_refreshes", tmp_path, alice) as target:
            alice.invite(target, session_expires=2)
            assert (await alice.seen(SessionEnded)).cause is EndCause.EXPIRED
            assert not alice.of(SessionRefreshed)

    play(talk)


def test_a_session_interval_that_is_too_short_is_raised(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice, bob("wants_longer", tmp_path, alice) as target:
            session = alice.invite(target, session_expires=2)
            await alice.seen(SessionAnswered)
            assert alice.endpoint.session(session).session_interval == 7
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


def test_a_caller_that_stops_refreshing_gets_bye(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls_and_refreshes", tmp_path, alice):
                assert (await alice.seen(SessionEnded)).cause is EndCause.EXPIRED
                assert len(alice.of(SessionRefreshed)) == 1

    play(talk)


def test_the_callee_refreshes_when_the_caller_says_so(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls_and_is_refreshed", tmp_path, alice):
                assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_RECEIVED
                assert len(alice.of(SessionRefreshed)) == 2

    play(talk)


def test_a_caller_with_too_short_an_interval_is_told_ours(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls_too_briefly", tmp_path, alice):
                await alice.seen(SessionEnded)
                assert len(alice.of(InviteReceived)) == 1

    play(talk)


# We are called -------------------------------------------------------------------------------------------------------


@both
def test_we_are_called(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:
            alice.on(InviteReceived, lambda event: alice.endpoint.progress(event.session, now=alice.now))
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls", tmp_path, alice):
                assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_RECEIVED
                assert len(alice.of(SessionConfirmed)) == 1

    play(talk)


@both
def test_we_are_called_and_hang_up(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            alice.on(SessionConfirmed, lambda event: alice.endpoint.bye(event.session, now=alice.now))
            async with bob("calls_and_is_left", tmp_path, alice):
                assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_SENT

    play(talk)


@pytest.mark.parametrize(("transport", "scenario"), [("UDP", "calls_reliably"), ("TCP", "calls_reliably_on_a_stream")])
def test_our_reliable_provisional_answers_are_repeated_until_their_prack(
    tmp_path: Path, transport: str, scenario: str
) -> None:
    def ring(alice: Alice, event: InviteReceived) -> None:
        alice.endpoint.progress(event.session, 183, body=description(), content_type=SDP, now=alice.now)
        alice.endpoint.progress(event.session, 180, now=alice.now)

    async def talk() -> None:
        async with Alice(transport) as alice:
            alice.on(InviteReceived, lambda event: ring(alice, event))
            async with bob(scenario, tmp_path, alice):
                session = (await alice.seen(InviteReceived)).session
                while alice.sent(b"SIP/2.0 200") < 2:  # both PRACKs are answered
                    await alice.quiet(0.02)
                alice.endpoint.accept(session, now=alice.now)
                alice.kick()
                assert (await alice.seen(SessionEnded)).cause is EndCause.BYE_RECEIVED
                assert alice.sent(b"SIP/2.0 183") >= 2
                assert alice.sent(b"SIP/2.0 180") == 1

    play(talk)


@both
def test_the_caller_cancels(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:
            alice.on(InviteReceived, lambda event: alice.endpoint.progress(event.session, now=alice.now))
            async with bob("calls_and_cancels", tmp_path, alice):
                cancelled = await alice.seen(SessionCancelled)
                assert cancelled.request is not None
                assert cancelled.request.method == "CANCEL"

    play(talk)


@pytest.mark.parametrize(
    ("transport", "scenario"), [("UDP", "calls_and_is_late"), ("TCP", "calls_and_is_late_on_a_stream")]
)
def test_our_200_is_repeated_until_its_ack(tmp_path: Path, transport: str, scenario: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob(scenario, tmp_path, alice):
                await alice.seen(SessionEnded)
                assert alice.sent(b"SIP/2.0 200") >= 3
                assert len(alice.of(SessionConfirmed)) == 1

    play(talk)


def test_a_caller_that_never_acknowledges_gets_bye(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice(t1=0.01) as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls_and_never_acknowledges", tmp_path, alice):
                assert (await alice.seen(SessionEnded)).cause is EndCause.NO_ACK

    play(talk)


def test_a_caller_is_asked_for_credentials(tmp_path: Path) -> None:
    async def talk() -> None:
        config = DigestConfig(realm="example.com", proxy=True)
        server = DigestServer(config, PasswordStore({"bob": "zanzibar"}), key=b"secret", entropy=live_entropy())

        def check(event: InviteReceived) -> None:
            verdict = server.verify(event.request, now=alice.now)
            if verdict.outcome is Outcome.ACCEPTED:
                alice.accept(event.session)
            else:
                headers = server.challenges(now=alice.now)
                alice.endpoint.reject(event.session, server.status, headers=headers, now=alice.now)

        async with Alice() as alice:
            alice.on(InviteReceived, check)
            uri = f"alice@127.0.0.1:{alice.port};transport=UDP"
            async with bob("calls_with_credentials", tmp_path, alice, "-auth_uri", uri):
                await alice.seen(SessionEnded)
                assert len(alice.of(InviteReceived)) == 2

    play(talk)


def test_a_call_is_replaced_by_another(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:

            def take(event: InviteReceived) -> None:
                replacement = alice.endpoint.replacement(event.request)
                assert replacement.status is None
                alice.accept(event.session)

            def replace(event: SessionConfirmed) -> None:
                calls = alice.of(InviteReceived)
                old = alice.endpoint.replacement(calls[-1].request).session
                if event.session == calls[-1].session and old is not None:
                    alice.endpoint.bye(old, now=alice.now)

            alice.on(InviteReceived, take)
            alice.on(SessionConfirmed, replace)
            async with bob("calls_and_replaces", tmp_path, alice):
                first = await alice.seen(SessionEnded)
                assert first.session == alice.of(InviteReceived)[0].session
                alice.bye(alice.of(InviteReceived)[1].session)
                await alice.seen(SessionEnded, 2)

    play(talk)


def test_a_call_is_joined_by_another(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:

            def take(event: InviteReceived) -> None:
                joining = alice.endpoint.joining(event.request)
                assert (joining.status, joining.early) == (None, False)
                calls = alice.of(InviteReceived)
                assert joining.session == (calls[0].session if len(calls) == 2 else None)
                alice.accept(event.session)

            alice.on(InviteReceived, take)
            async with bob("calls_and_joins", tmp_path, alice):
                await alice.seen(SessionConfirmed, 2)
                for event in alice.of(InviteReceived):
                    alice.bye(event.session)
                await alice.seen(SessionEnded, 2)

    play(talk)


# Glare ---------------------------------------------------------------------------------------------------------------


def test_reinvites_that_cross_get_491_and_ours_is_sent_again(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls_and_crosses", tmp_path, alice):
                session = (await alice.seen(SessionConfirmed)).session
                for count, status in ((1, 491), (2, 200)):
                    alice.endpoint.reinvite(session, body=description(), content_type=SDP, now=alice.now)
                    alice.kick()
                    assert (await alice.seen(ResponseReceived, count)).response.status == status
                    if status == 491:
                        delay = alice.endpoint.glare_delay(session)
                        assert 0 <= delay <= 2  # the peer chose the Call-ID
                        await alice.quiet(delay)
                assert not alice.of(ReinviteReceived)
                alice.bye(session)
                await alice.seen(SessionEnded)

    play(talk)


# Loss ----------------------------------------------------------------------------------------------------------------


def test_calls_survive_the_loss_of_a_fifth_of_the_messages(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice(t1=0.1) as alice:
            alice.on(InviteReceived, lambda event: alice.accept(event.session))
            async with bob("calls_lossily", tmp_path, alice, "-m", "20", "-r", "50"):
                await alice.seen(SessionEnded, 20)
            assert {each.cause for each in alice.of(SessionEnded)} == {EndCause.BYE_RECEIVED}

    play(talk)


# Subscriptions -------------------------------------------------------------------------------------------------------


@both
def test_we_subscribe_and_refresh_until_the_notifier_ends_it(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("notifies", tmp_path, alice) as target:
            alice.subscribe(target, 2)
            assert (await alice.seen(SubscriptionEnded)).reason == "noresource"
            assert [each.body for each in alice.of(NotifyReceived)][:2] == [b"at the desk\r\n", b"at lunch\r\n"]
            assert [each.expires for each in alice.of(SubscriptionAccepted)] == [2, 2]

    play(talk)


def test_a_notifier_that_forgot_us_is_subscribed_to_again(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice, bob("forgets", tmp_path, alice, "-m", "2") as target:
            subscription = alice.subscribe(target, 2)
            await alice.seen(NotifyReceived, 2)
            assert {each.subscription for each in alice.of(NotifyReceived)} == {subscription}
            assert len({each.response.call_id for each in alice.of(SubscriptionAccepted)}) == 2
            assert not alice.of(SubscriptionEnded)

    play(talk)


@both
@pytest.mark.parametrize(("scenario", "expires"), [("notifies_early", 60), ("notifies_later", 2)])
def test_we_subscribe_and_unsubscribe(tmp_path: Path, transport: str, scenario: str, expires: int) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob(scenario, tmp_path, alice) as target:
            subscription = alice.subscribe(target, expires)
            notified = 1
            while (await alice.seen(NotifyReceived, notified)).state == "pending":
                notified += 1
            await alice.seen(SubscriptionAccepted)
            alice.endpoint.unsubscribe(subscription, now=alice.now)
            alice.kick()
            assert (await alice.seen(SubscriptionEnded)).reason in ("unsubscribed", "timeout")

    play(talk)


def notifier(alice: Alice) -> None:
    """Accept every subscription, and send what there is to be known."""

    def take(event: SubscribeReceived) -> None:
        alice.endpoint.accept_subscription(event.subscription, now=alice.now)
        if event.expires != 0 or event.initial:
            body = b"at the desk" if event.initial else b"at lunch"
            alice.endpoint.notify(event.subscription, body=body, content_type="text/plain", now=alice.now)

    alice.on(SubscribeReceived, take)


@both
def test_a_subscriber_hears_of_changes(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:
            notifier(alice)
            async with bob("subscribes", tmp_path, alice):
                subscription = (await alice.seen(SubscribeReceived)).subscription
                alice.endpoint.notify(subscription, body=b"at lunch", content_type="text/plain", now=alice.now)
                alice.kick()
                assert (await alice.seen(SubscriptionEnded)).reason in ("unsubscribed", "timeout")

    play(talk)


@pytest.mark.parametrize(("scenario", "reason"), [("subscribes_and_lapses", "timeout"), ("drops_notify", "gone")])
def test_a_subscriber_that_goes_away(tmp_path: Path, scenario: str, reason: str) -> None:
    async def talk() -> None:
        async with Alice(min_subscription=1) as alice:
            notifier(alice)
            async with bob(scenario, tmp_path, alice):
                subscription = (await alice.seen(SubscribeReceived)).subscription
                if scenario == "drops_notify":
                    alice.endpoint.notify(subscription, body=b"at lunch", content_type="text/plain", now=alice.now)
                    alice.kick()
                assert (await alice.seen(SubscriptionEnded)).reason == reason

    play(talk)


def test_we_end_a_subscription(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:
            notifier(alice)
            async with bob("subscribes_and_is_ended", tmp_path, alice):
                subscription = (await alice.seen(SubscribeReceived)).subscription
                alice.endpoint.end_subscription(subscription, reason="deactivated", now=alice.now)
                alice.kick()
                assert (await alice.seen(SubscriptionEnded)).reason == "deactivated"

    play(talk)


def test_subscriptions_that_cannot_be_and_one_that_only_fetches(tmp_path: Path) -> None:
    async def talk() -> None:
        async with Alice() as alice:
            notifier(alice)
            async with bob("subscribes_wrongly", tmp_path, alice):
                await alice.seen(SubscriptionEnded)
                assert len(alice.of(SubscribeReceived)) == 1

    play(talk)


# Plain requests ------------------------------------------------------------------------------------------------------


@both
def test_we_ask(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("is_asked", tmp_path, alice) as target:
            asked: list[tuple[str, list[tuple[str, str]], bytes, int]] = [
                ("OPTIONS", [], b"", 200),
                ("MESSAGE", [], b"hello", 202),
                ("PUBLISH", [("Event", "presence"), ("Expires", "60")], b"at the desk", 200),
                ("INFO", [], b"", 481),
            ]
            for count, (method, headers, body, status) in enumerate(asked, 1):
                alice.ask(target, method, count, *headers, body=body, content_type="text/plain" if body else None)
                assert (await alice.seen(ResponseReceived, count)).response.status == status
            assert alice.of(ResponseReceived)[2].response.headers.get("SIP-ETag") == "one"

    play(talk)


@both
def test_we_are_asked(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:

            def respond(event: RequestReceived) -> None:
                assert event.transaction is not None
                published = event.request.method == "PUBLISH"
                headers = [("SIP-ETag", "one"), ("Expires", "60")] if published else []
                alice.endpoint.respond(event.transaction, 200, headers=headers, now=alice.now)

            alice.on(RequestReceived, respond)
            async with bob("asks", tmp_path, alice):
                pass
            assert [each.request.method for each in alice.of(RequestReceived)] == ["MESSAGE", "PUBLISH"]

    play(talk)


# REFER ---------------------------------------------------------------------------------------------------------------


@both
def test_we_refer_a_peer_inside_a_call(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice, bob("is_referred", tmp_path, alice) as target:
            session = alice.invite(target)
            await alice.seen(SessionAnswered)
            alice.endpoint.refer(
                alice.owner,
                target,
                refer_to="<sip:carol@example.com>",
                from_=ME_TAGGED,
                to=PEER,
                session=session,
                now=alice.now,
            )
            alice.kick()
            await alice.seen(SubscriptionEnded)
            heard = [each.body.split()[1] for each in alice.of(NotifyReceived)]
            assert heard == [b"100", b"200"]
            assert not alice.of(SubscriptionFailed)
            alice.bye(session)
            await alice.seen(SessionEnded)

    play(talk)


@both
def test_we_are_referred_and_report_the_outcome(tmp_path: Path, transport: str) -> None:
    async def talk() -> None:
        async with Alice(transport) as alice:

            def follow(event: RequestReceived) -> None:
                assert event.transaction is not None
                assert event.subscription is not None
                alice.endpoint.respond(event.transaction, 202, now=alice.now)
                kind = "message/sipfrag;version=2.0"
                alice.endpoint.notify(
                    event.subscription, body=b"SIP/2.0 100 Trying\r\n", content_type=kind, now=alice.now
                )
                alice.endpoint.end_subscription(
                    event.subscription,
                    reason="noresource",
                    body=b"SIP/2.0 200 OK\r\n",
                    content_type=kind,
                    now=alice.now,
                )

            alice.on(RequestReceived, follow)
            async with bob("refers", tmp_path, alice):
                assert (await alice.seen(SubscriptionEnded)).reason == "noresource"

    play(talk)
