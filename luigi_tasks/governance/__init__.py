"""What the monitoring means for the model: keep it, or have it retrained."""
