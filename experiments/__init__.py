"""What the commands run: compare, look, papers (``reproduce``) and scripts, above sweeps, lab, reports and options."""
