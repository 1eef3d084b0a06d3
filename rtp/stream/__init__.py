"""The media of one leg: jitter buffer, source lock, sender, receiver, RTCP, keys."""
