"""Pages as they are parsed: elements in their order, tables as rows of texts, and the contrast of colours."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "source", "link", "input"}


@dataclass
class Element:
    """An element with all the text inside it; ``parents`` are the tags around it, the outermost first."""

    tag: str
    attributes: dict[str, str | None]
    parents: tuple[str, ...]
    text: str = ""
    inside: list["Element"] = field(default_factory=list)

    def all(self, tag):
        return [one for one in self.inside if one.tag == tag]


class Parser(HTMLParser):
    """Builds the list of elements; an end that does not fit its start is an error."""

    def __init__(self):
        super().__init__()
        self.elements, self.open = [], []

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs), tuple(one.tag for one in self.open))
        self.elements.append(element)
        for one in self.open:
            one.inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if (last := self.open.pop()).tag != tag:
            raise ValueError(f"<{last.tag}> ends with </{tag}>")

    def handle_data(self, data):
        for one in self.open:
            one.text += data


def parsed(html):
    """The whole page as one Element."""
    parser = Parser()
    parser.feed(html)
    parser.close()
    if parser.open:
        raise ValueError(f"<{parser.open[-1].tag}> does not end")
    return Element("page", {}, (), html, parser.elements)


def read(path):
    return parsed(path.read_text(encoding="utf-8"))


def rows(page):
    """The rows of all tables, with the header of each, as lists of the texts of cells."""
    return [[cell.text for cell in row.inside if cell.tag in ("th", "td")] for row in page.all("tr")]


def contrast(a, b):
    """The contrast of two colours ``#rrggbb``, from 1 to 21 (Web Content Accessibility Guidelines 2.2)."""
    low, high = sorted(map(luminance, (a, b)))
    return (high + 0.05) / (low + 0.05)


def luminance(color):
    channels = [int(color[k:k + 2], 16) / 255 for k in (1, 3, 5)]
    return sum(weight * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
               for weight, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))
