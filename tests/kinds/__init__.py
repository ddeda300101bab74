"""Kinds: their commands are run here for real, as the engine would run them."""
