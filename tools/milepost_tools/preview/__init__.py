"""A template looked at before anybody gets it: for people at their own desk, never at a send."""
