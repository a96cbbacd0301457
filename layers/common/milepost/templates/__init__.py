"""From a template's folder to a rendered mail."""
