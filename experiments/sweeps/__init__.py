"""Independent runs, carried out by processes or by a cluster, and kept on disk."""
