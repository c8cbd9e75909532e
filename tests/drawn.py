"""What the tests of figures share: texts of legends, and where a function draws."""

import matplotlib.pyplot as plt


def labels(artist):
    return [text.get_text() for text in artist.get_legend().get_texts()]


def assert_draws_on_axes(draw):
    """``draw(ax)`` draws on ``ax``, with the title "a message", opens no other figure, and returns ``ax``."""
    figure, ax = plt.subplots()
    assert draw(ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert ax.get_title() == "a message"
    assert draw(None) is not ax


def assert_draws_in_figure(draw):
    """``draw(figure)`` draws in a figure or a part of it, with the title "a message", and returns it."""
    figure = plt.figure(layout="constrained")
    assert draw(figure) is figure
    assert figure.get_suptitle() == "a message"
    part, _ = plt.figure(layout="constrained").subfigures(1, 2)
    assert draw(part) is part
    assert draw(None) is not figure
