"""Files of networks and of their training."""
