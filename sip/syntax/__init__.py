"""Grammar of RFC 3261 section 25: tokens, parameters, escaping, URIs."""
