"""The generated reference pages and JSON Schemas."""
