"""A workflow as its marketer reads it: a picture, plain words, what changed, and what it costs."""
