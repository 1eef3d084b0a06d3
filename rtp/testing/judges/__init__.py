"""Judges of media: what a sender of anybody's did, held against RFC 3550, RFC 3551, RFC 3711, RFC 4733 and RFC 3264.

They are plain functions over what was sent, with times, and return findings, none when all is well. What a network may
have done, or who watches may have missed, is not blamed on the sender.
"""
