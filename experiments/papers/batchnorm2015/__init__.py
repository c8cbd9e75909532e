"""Ioffe & Szegedy 2015."""
