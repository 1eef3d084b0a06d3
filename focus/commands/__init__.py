"""Commands of clients: what is asked, whether it is allowed, and what follows; one module each."""
