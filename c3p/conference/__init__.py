"""Conference documents."""
