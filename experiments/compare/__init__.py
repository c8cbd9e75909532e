"""``retroprop compare``, the main job: one architecture trained from several initializations, and a report."""
