"""The papers behind the lecture, a folder each: the plan of their runs, their claims, and the page with its figures."""
