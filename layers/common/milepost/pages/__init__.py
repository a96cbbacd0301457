"""What visitors and recipients see: forms, preferences, unsubscribe, view, browser events."""
