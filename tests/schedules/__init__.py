"""Schedules: tables of cases, properties, and what Debian's cron does."""
