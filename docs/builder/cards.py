"""Cards that lead to pages, and the pages' hidden table of contents."""


def card(title, link, text, footer=""):
    """A card in Markdown."""
    below = f"\n```{{card-footer}}\n{footer}\n```\n" if footer else ""
    return f":::{{grid-item-card}} {title}\n:link: {link}\n:link-type: doc\n{text}\n{below}:::\n"


def grid(cards, columns):
    """Cards beside one another; ``columns`` is how many, from the narrowest to the widest screen."""
    return f"::::{{grid}} {columns}\n:gutter: 3\n\n{''.join(cards)}::::\n"


def contents(names):
    """The table of contents, which only the navigation shows."""
    return "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"
