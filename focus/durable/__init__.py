"""The state of a Focus as pieces that are written for a restart, and how one goes on with them."""
