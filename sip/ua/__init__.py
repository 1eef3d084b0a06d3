"""A user agent: registrations, calls, messages and subscriptions of somebody at a phone, or of a bot."""
