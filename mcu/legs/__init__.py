"""Legs: dial-out, dial-in, changes and endings of calls."""
