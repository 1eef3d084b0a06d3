"""Registrar and proxy cores."""
