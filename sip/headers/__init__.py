"""Structured headers, one module each, and the tables that say which parser reads which."""
