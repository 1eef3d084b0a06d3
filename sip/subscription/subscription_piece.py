"""What is written of the subscriptions in a dialog, and how one goes on with them after a restart.

The subscription of a REFER is not written: it lives for as long as a call is set up. A subscription of ours counts once
a notification came, one to something of ours until its last notification goes out.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from attrs.validators import deep_iterable

from sip.core.dialog import Dialog
from sip.core.dialog_piece import is_flag, is_number, is_text, is_text_or_none, is_time, texts
from sip.core.routing import CoreEntry
from sip.headers.name_addr import NameAddr
from sip.ids import SubscriptionId
from sip.subscription.initial_request import RequestTemplate
from sip.subscription.notifier import Notifier
from sip.subscription.subscriber import Subscriber
from sip.subscription.subscriptions import Subscriptions
from sip.subscription.tables import NotifierState, SubscriberState


def _pairs(lines: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in lines)


@attrs.frozen(kw_only=True)
class SavedNotifier:
    """The fields of a subscription to something of ours; times are POSIX times.

    Wrong ones raise TypeError or ValueError, here and in `SavedSubscriber`.
    """

    owner: str = attrs.field(validator=is_text)
    package: str = attrs.field(validator=is_text)
    event_id: str | None = attrs.field(validator=is_text_or_none)
    contact: str | None = attrs.field(validator=is_text_or_none)
    source: str | None = attrs.field(validator=is_text_or_none)
    granted: int = attrs.field(validator=is_number)
    autoextend: bool = attrs.field(validator=is_flag)  #: each notification begins the duration anew
    expires_at: float = attrs.field(validator=is_time)  #: 0 with ``autoextend``, or each notification would be written

    @classmethod
    def of(cls, notifier: Notifier, wall_clock: float) -> SavedNotifier | None:
        """Those of a subscription as it is, None where it is not to come back."""
        if notifier.state is not NotifierState.ACTIVE or notifier.package == "refer":
            return None
        return cls(
            owner=notifier.owner,
            package=notifier.package,
            event_id=notifier.event_id,
            contact=notifier.contact,
            source=notifier.source,
            granted=notifier.granted,
            autoextend=notifier.autoextend,
            expires_at=0.0 if notifier.autoextend else round(notifier.expires_at + wall_clock, 3),
        )

    def resume(
        self, subscriptions: Subscriptions, core: CoreEntry, dialog: Dialog, wall_clock: float, now: float
    ) -> None:
        """Go on with the subscription, in its dialog.

        Notifications go by NOTIFY from now on, whatever was agreed: the connection on which BENOTIFY could not get
        lost is gone. What would last longer than it was granted does not: the wall clock was set back.
        """
        number = SubscriptionId(subscriptions.context.new_id())
        notifier = Notifier(subscriptions, number, core, self.package, self.event_id)
        notifier.contact, notifier.autoextend = self.contact, self.autoextend
        if self.source is not None:
            subscriptions.context.limits.subscriptions.move((), (self.source,))  # there was room when it began
            notifier.source = self.source
        notifier.dialog = dialog
        dialog.subscriptions[notifier.usage_key] = notifier
        subscriptions.keep(notifier)
        longest = now + self.granted
        notifier.begin(self.granted, longest if self.autoextend else min(longest, self.expires_at - wall_clock))


@attrs.frozen(kw_only=True)
class SavedSubscriber:
    """The fields of a subscription of ours; times are POSIX times."""

    owner: str = attrs.field(validator=is_text)
    package: str = attrs.field(validator=is_text)
    event_id: str | None = attrs.field(validator=is_text_or_none)
    contact: str | None = attrs.field(validator=is_text_or_none)
    expires: int | None = attrs.field(validator=attrs.validators.optional(is_number))  #: what is asked for
    granted: int = attrs.field(validator=is_number)
    autoextend: bool = attrs.field(validator=is_flag)
    expires_at: float = attrs.field(validator=is_time)
    # How it is begun anew where the other side forgot it
    in_dialog: bool = attrs.field(validator=is_flag)  #: it began in a dialog that was there before
    target: str = attrs.field(validator=is_text)
    from_: str = attrs.field(validator=is_text)
    to: str = attrs.field(validator=is_text)
    route: tuple[str, ...] = texts()
    headers: tuple[tuple[str, str], ...] = attrs.field(
        converter=_pairs, validator=deep_iterable(deep_iterable(is_text))
    )
    body: str = attrs.field(validator=is_text, repr=False)  #: octet by octet
    content_type: str | None = attrs.field(validator=is_text_or_none)

    @classmethod
    def of(cls, subscriber: Subscriber, wall_clock: float) -> SavedSubscriber | None:
        """Those of a subscription as it is, None where it is not to come back."""
        if subscriber.state is not SubscriberState.ACTIVE or subscriber.template.method == "REFER":
            return None
        template = subscriber.template
        return cls(
            owner=subscriber.owner,
            package=subscriber.package,
            event_id=subscriber.event_id,
            contact=subscriber.contact,
            expires=subscriber.expires,
            granted=subscriber.granted,
            autoextend=subscriber.autoextend,
            expires_at=round(subscriber.timer.ends_at + wall_clock),
            in_dialog=template.dialog is not None,
            target=str(template.target),
            from_=str(template.from_),
            to=str(template.to),
            route=tuple(str(each) for each in template.route),
            headers=template.headers,
            body=template.body.decode("latin-1"),
            content_type=template.content_type,
        )

    def resume(
        self, subscriptions: Subscriptions, core: CoreEntry, dialog: Dialog, wall_clock: float, now: float
    ) -> None:
        """Go on with the subscription, in its dialog."""
        template = RequestTemplate(
            "SUBSCRIBE",
            self.target,
            self.from_,
            self.to,
            tuple(NameAddr.parse(each) for each in self.route),
            None,
            list(self.headers),
            self.body.encode("latin-1", "replace"),
            self.content_type,
            dialog if self.in_dialog else None,
        )
        number = SubscriptionId(subscriptions.context.new_id())
        subscriber = Subscriber(
            subscriptions, number, core, self.package, self.event_id, template, self.expires, self.contact
        )
        subscriber.autoextend = self.autoextend
        subscriber.call_id, subscriber.local_tag = dialog.call_id, dialog.local_tag
        subscriptions.keep(subscriber)
        subscriber.resume(dialog, self.granted, self.expires_at - wall_clock, now)
