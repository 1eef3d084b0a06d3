"""XML to attrs classes and back."""
