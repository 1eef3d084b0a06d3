"""How C3P goes over HTTP, for any HTTP library: functions from what came to what is to be sent.

Nothing here opens a socket or waits. Whoever has an HTTP server calls three functions for a request:

1. :func:`bearer_principal` or :func:`certificate_principal` says who asks, and :func:`admit` whether the body is worth
   reading. It is not for a stranger, so a stranger costs a head and no more.
2. :func:`posted` makes a document of the body.
3. :func:`answer_with` makes an HTTP answer of the reply that a machine gave.

Each of the first two may end the request with an :class:`HttpAnswer` of its own. Whoever has an HTTP client asks
:func:`post_of` what to send and :func:`outcome_of` what the answer means; what brought no answer, :func:`failure_of`
names. :class:`Lanes` keeps the order that a conference needs. ``docs/c3p-over-http.rst`` is the contract.
"""
