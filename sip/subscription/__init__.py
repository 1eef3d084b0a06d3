"""Subscriptions (RFC 6665) and REFER (RFC 3515), on both sides, with the options that Microsoft's clients use.

Who moves whom. `subscriptions` is the registry: it finds the subscription that a SUBSCRIBE, NOTIFY or BENOTIFY is
for, by dialog, event package and event id. `subscriber` is one of ours; its `initial_request` makes the dialog, its
clock in `refresh` says when to ask again. `notifier` is one of theirs; the core answers its SUBSCRIBE and hands it
documents. Two tables (`tables`) say what leads where, and `sip.life` holds the state. The parts know the registry as
`owner` says.

A subscription is a usage of a dialog, which it may share with a session or with others (RFC 5057): the dialog ends
with its last usage. A NOTIFY makes the dialog as well as the 2xx does, for it may overtake it (section 4.4.1): so the
registry expects the first one by Call-ID and From tag, until it came. A NOTIFY from another fork of the same
SUBSCRIBE gets 481.

The notifier sends one NOTIFY at a time, in order, for a document that overtook another would be older than what it
replaces; the others wait in a queue with a limit, beyond which the subscription ends, since a document that is left
out makes every later one wrong. BENOTIFY is not answered and goes out at once, only on connections: there nothing is
lost, and when one breaks the subscription ends, as nobody would ever notice what was missed. Towards a source that
has not shown to be where it says, first documents wait for the answer to an empty NOTIFY (`amplification`).

Crossings, and what becomes of them:

- The first NOTIFY and the 2xx: either may come first. After the 2xx, Timer N waits 64*T1 for the NOTIFY.
- Unsubscribing and the 2xx to the first SUBSCRIBE: the SUBSCRIBE with Expires 0 waits for it, since it needs the
  dialog.
- Unsubscribing and a NOTIFY: it is still reported; the end is the NOTIFY ``terminated``, or a wait that has its
  limit.
- A refresh and the notifier's last NOTIFY: it is answered 481. A notifier that has a SUBSCRIBE unanswered takes no
  second one: 500 with Retry-After.
- A refresh that is refused: for good, it ends; with 481, or when no notification comes, one that has a dialog of its
  own is begun anew in another (SubscriptionRestarted); otherwise it lasts as long as it did, and is tried again later
  each time.
- A document of the core after the last one, or after the subscription ended: counted, nothing is sent.
- The core's answer to a SUBSCRIBE that ended meanwhile: counted, nothing is sent.

A subscription of ours ends in exactly one of SubscriptionFailed and SubscriptionEnded. One of theirs that was
accepted ends in SubscriptionEnded with the reason of its end; one that the core refused ends with that, and nothing
is reported. A REFER is the same machine: its 2xx begins a subscription to ``refer`` that is not refreshed, unless
Refer-Sub says ``false`` (`refer`).
"""
