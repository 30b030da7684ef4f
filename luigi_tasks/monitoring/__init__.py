"""How well each month was scored, and how far its loans are from the training data."""
