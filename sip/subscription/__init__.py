"""Subscriptions and notifications (RFC 6665), BENOTIFY and the first document in the 2xx."""
