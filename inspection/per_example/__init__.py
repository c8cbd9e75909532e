"""Gradients of single examples, and the noise of minibatch gradients."""
