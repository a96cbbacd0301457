"""How a file becomes live: load, check, compile, go live, report."""
