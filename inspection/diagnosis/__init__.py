"""What is wrong with a network, in sentences, and the statistics of its layers."""
