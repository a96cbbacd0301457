"""What an operator does to a deployed stack: redrive, resume, send a test."""
