"""The tape: every phase of a network, recorded as it happens."""
