"""Cohen et al. 2021."""
