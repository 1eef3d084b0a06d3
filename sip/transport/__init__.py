"""Flows, where a request goes next, and what is known of those who send."""
