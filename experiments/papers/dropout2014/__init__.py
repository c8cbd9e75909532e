"""Srivastava et al. 2014."""
