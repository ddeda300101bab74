"""The product in a real browser: every page looked at, every journey taken."""
