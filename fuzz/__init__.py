"""Scripts that look for inputs which break a promise; each can be run by itself."""
