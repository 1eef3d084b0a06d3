"""Session descriptions: grammar, offer and answer, what was agreed, keys."""
