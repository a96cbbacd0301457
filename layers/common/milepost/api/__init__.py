"""The store's JSON API: post events, read and change contacts."""
