"""Mishkin & Matas 2016."""
