"""What is live in a store now."""
