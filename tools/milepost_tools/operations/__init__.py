"""What an operator does with a deployed stack: redrive, resume, send a test."""
