"""The tape: a record of every phase that a network runs."""
