"""Text in one line."""

import numpy as np

from retroprop.arguments import in_a_line
from retroprop.printing import in_one_line


class Unspeakable(Exception):
    __str__ = None


def test_messages_of_others_come_in_one_line_whatever_they_hold():
    assert in_one_line("two\n  lines,\ta tab\x00\x1b[31m and  spaces") == "two lines, a tab [31m and spaces"
    assert in_one_line(ValueError("ä → 3")) == "ä → 3"
    assert in_one_line(Unspeakable()) == "Unspeakable without a text"


def test_a_value_in_an_error_message_has_one_line_and_no_address():
    assert in_a_line(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert in_a_line(lambda: 0).endswith(".<lambda>>")
    assert in_a_line("from 0x7f\n at 0x7f") == r"'from 0x7f\n at 0x7f'"
