"""The sound of a conference: mixer and active speaker."""
