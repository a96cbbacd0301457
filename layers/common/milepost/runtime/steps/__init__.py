"""What each step type does when it runs."""
