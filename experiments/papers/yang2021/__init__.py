"""Yang, Hu et al. 2021."""
