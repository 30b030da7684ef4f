"""The extracts: their contract, how they are read, and sample data like them."""
