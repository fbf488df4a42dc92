"""What the use cases reach outside: one module per kind of thing, real ones only."""
