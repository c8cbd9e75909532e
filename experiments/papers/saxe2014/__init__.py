"""Saxe et al. 2014."""
