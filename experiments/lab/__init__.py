"""What experiments are made of: networks, data, a training loop that can be resumed."""
