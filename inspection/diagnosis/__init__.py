"""``diagnose``, which reports in sentences what is wrong with a network, and the layer statistics that it uses."""
