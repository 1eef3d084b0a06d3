"""The four transaction machines of RFC 3261 section 17, as corrected by RFC 6026 and RFC 4320.

A transaction is one request and its answers, between two neighbours. It hides from those above it that datagrams get
lost: it sends again, absorbs what comes again, and comes to an end by itself whatever the other side does.

Who moves whom. `transactions` finds the machine that a message is for: an answer by the branch of its top Via and the
method of its CSeq (section 17.1.3), a request by branch, sent-by and method, or as RFC 2543 did where the branch has
no magic cookie (17.2.3). It moves the machine through its table, and the machine tells its user: `client` a
`ClientUser`, with each 1xx, with the final answer, or with the failure, of which exactly one is the last unless the
user abandons it; `server` a `ServerUser`, with CANCEL and with its own end. The answer to a server transaction comes
from above, through ``respond``.

The tables are in `tables`, the state in a `sip.life.Life`. INVITE and the other methods share their code, and differ
by table and timers.

A client transaction begins one state before the RFC's: Waiting, while the next hop is looked up or connected to.
Timer B or F runs from there, because whoever asked waits all that time. It leaves Waiting for Calling or Trying when
a flow is found. When a flow breaks, or a server says 503 or nothing, and others were found (RFC 3263 section 4.3),
the machine ends and another takes its place under the same number and with another branch: the user sees one request.

Crossings that the tables are there for:

- A 2xx to INVITE that comes again, or from another fork. RFC 6026 keeps the client in Accepted for 64*T1 and hands
  every 2xx up, because the ACK is the business of the session; the server stays in Accepted too, and absorbs the
  INVITE that crossed its 2xx, while the session repeats the 2xx.
- 300-699 that comes again: the client in Completed answers with its own ACK (Timer D), the server in Completed
  repeats until that ACK comes (Timers G and H), then absorbs more of them in Confirmed (Timer I).
- CANCEL before the first 1xx: it waits for that (section 9.1), since it could overtake its INVITE. Once it is out the
  INVITE gets 64*T1 to come to its final answer. If that is a 2xx, the session acknowledges it and says BYE.
- CANCEL after our final answer: it is answered 200, and changes nothing.
- An answer of the core that comes after Timer F of the other side: nobody would take it, so nothing is sent, and
  never 408 (RFC 4320). The machine counts it and ends.
- A transport error: it fails a client transaction, but not a server transaction (RFC 6026 section 8.5), whose answer
  can still go to the address in Via.

There are many machines in their last half minute at any time. They keep only what absorbs repetitions, and wait in
two queues with one timer each (`sip.timers.Queue`) and not with one of their own. On connections nothing is repeated:
the timers D, I, J and K are 0 there, and Terminated follows at once.
"""
