"""Accounts: who may sign in, who may do what, and what is written down about it."""
