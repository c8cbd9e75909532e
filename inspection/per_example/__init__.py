"""What each example of a batch adds to its gradient."""
