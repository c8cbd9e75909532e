"""The papers behind the lecture, one file each: what they did, as runs, and what they claim, as questions to the runs."""
