"""Compile a template's folder, and render it as an e-mail."""
