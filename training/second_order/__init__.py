"""Methods that know how the slope changes: steps without a learning rate."""
