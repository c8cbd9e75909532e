"""Text in one line."""

from retroprop.printing import in_one_line


class Unspeakable(Exception):
    __str__ = None


def test_messages_of_others_come_in_one_line_whatever_they_hold():
    assert in_one_line("two\n  lines,\ta tab\x00\x1b[31m and  spaces") == "two lines, a tab [31m and spaces"
    assert in_one_line(ValueError("ä → 3")) == "ä → 3"
    assert in_one_line(Unspeakable()) == "Unspeakable without a text"
