"""Runs and their attempts: status, history, logs; nothing here starts a process."""
