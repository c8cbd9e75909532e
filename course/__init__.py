"""A course of three hours: exercises that grade themselves, a plan, an instructor's page, and slides.

``retroprop course --out FOLDER`` writes the kit, and ``retroprop grade NOTEBOOK`` grades what students hand in.
"""

from .exercises import points as points
from .grading import Grade as Grade
from .grading import grade as grade
from .kit import write_kit as write_kit
