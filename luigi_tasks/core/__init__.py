"""The ground floor: staleness, publishing, files, engines, settings; nothing of loans."""
