"""What people and DVC look at."""
