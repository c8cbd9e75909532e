"""What goes into a training step: the batches, the weights of their examples, and augmentation."""
