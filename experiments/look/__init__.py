"""``retroprop look``: what a trained network sees, on one page."""
