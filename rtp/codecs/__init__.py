"""Sound to octets and back."""
