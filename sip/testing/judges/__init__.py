"""Judges: what an element of anybody's did, held against the text of the standards.

A judge is a plain function over what was sent and seen. It returns findings, none when all is well, and knows nothing
of how the messages came to be, so it serves in unit tests, in simulation, over sockets and over a capture::

    assert not check_response(request, response)

A judge doubts itself before it blames:

- What a proxy on the way may change is not compared, and only whoever has written a request, which has one Via then,
  is judged by what it wrote into it.
- That a message arrived is believed where somebody says so, where the transport is reliable, or where its receiver
  has shown it: by an answer, or an ACK. Elsewhere it takes several copies until somebody is blamed for having done
  nothing about it.
- A clause is called MUST where its text says so, and SHOULD where it says SHOULD, or says without such a word what is
  done.
"""
