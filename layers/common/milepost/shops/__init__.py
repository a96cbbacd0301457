"""Shop platforms: a folder for each, which verifies and translates its webhooks."""
