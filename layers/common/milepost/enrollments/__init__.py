"""Enrollments as stored: compiled workflows, and the progress of contacts through them."""
