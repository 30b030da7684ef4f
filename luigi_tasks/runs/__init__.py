"""What a run tells people: a line a stage, what it came to, and what `summary` says later."""
