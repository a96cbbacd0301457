"""Segments, scoring and stages: who belongs, since when, and when that changes next."""
