"""The commands of `python -m luigi_tasks`."""
