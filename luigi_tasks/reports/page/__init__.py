"""The report page: its numbers, its charts, and how they are laid out."""
