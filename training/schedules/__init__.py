"""Learning rates that change during training, and the test that finds one."""
