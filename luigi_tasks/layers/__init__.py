"""From extracts to features and labels: bronze, silver, quality check, gold."""
