"""The notebook engine: which notebook runs when, with what, and what is kept of it."""
