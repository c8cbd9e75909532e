"""Tables with named columns: read from CSV files, or taken from frames, then encoded as numbers."""
