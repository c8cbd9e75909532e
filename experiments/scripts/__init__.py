"""The commands that run a user's script: check, graph, tape."""
