"""``retroprop reproduce``: the plans, claims and pages that every paper is made of, and the command that runs them."""
