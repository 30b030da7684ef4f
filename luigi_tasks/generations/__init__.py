"""Which model exists on which day: the audit trail, the marker, as-of days."""
