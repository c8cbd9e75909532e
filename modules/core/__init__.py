"""What every module is made of: the base class, parameters, and the machinery around the phases."""
