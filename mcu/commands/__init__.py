"""C3P commands that a Focus gives."""
