"""Digest (RFC 8760, RFC 7616), on both sides."""
