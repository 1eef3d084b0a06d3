"""INVITE sessions: both sides of a call, from the INVITE to the BYE."""
