"""Every day without people: how scheduled commands ended, and who is told of what."""
