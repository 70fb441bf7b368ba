"""How long things are kept, and the erasure of one person's data."""
