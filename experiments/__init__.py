"""What the commands run: compare, look, reproduce with its papers, and scripts, above sweeps, lab, reports and options."""
