"""What the reports share: HTML pages, statistics over seeds, text."""
