"""The months in order, as if each were today, in a place of their own."""
