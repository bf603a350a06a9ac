"""The server around the core: listeners, clients, cron, configuration, and the commands that are answered in Python."""
