"""Tasks and groups as files: our own format, 001's `tasks.json`, crontabs; read, planned, applied whole or not at all."""
