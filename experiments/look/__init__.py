"""``retroprop look``: examine a trained network by its input gradients, and write one page."""
