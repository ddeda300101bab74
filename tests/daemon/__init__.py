"""The tests of daemon."""
