"""Performing attempts as processes that outlive the server; what an outcome means is decided in `runs`."""
