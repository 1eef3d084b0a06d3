"""Settings of the served parts: one class a concern, and how a TOML file is read into them."""
