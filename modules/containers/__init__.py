"""Modules that hold modules: Sequential and Graph."""
