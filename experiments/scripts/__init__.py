"""The small commands: check, graph and tape, which run a user's script, and initializers."""
