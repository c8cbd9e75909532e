"""The base class of all modules, parameters, and the machinery around the phases."""
