"""Derivatives: finite differences, gradient checks, Jacobians, Hessians, sums over paths, perturbations, and their costs."""
