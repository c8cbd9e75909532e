"""What is seen of a run while it trains: files of its numbers, and a view that grows."""
