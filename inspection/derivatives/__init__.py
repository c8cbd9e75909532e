"""Derivatives of every kind: finite differences, Jacobians, Hessians, paths, and checks of gradients."""
