"""One module for each evaluation protocol."""
