"""Sweeps: independent runs, carried out by local processes or by a cluster, and stored on disk."""
