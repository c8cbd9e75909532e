"""Santurkar et al. 2018."""
