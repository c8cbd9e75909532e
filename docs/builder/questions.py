"""The questions of students, each a page of its own, so that the search finds it by its words.

``questions.md`` has them all: ``## A group``, ``### A question``, and its answer.
"""

import re


def parts(text):
    """The introduction, and the groups: pairs of a title and pairs of a question and an answer."""
    head, *groups = re.split(r"^## ", text, flags=re.MULTILINE)
    found = []
    for group in groups:
        title, *questions = re.split(r"^### ", group, flags=re.MULTILINE)
        found.append((title.strip(), [tuple(part.strip() for part in one.split("\n", 1)) for one in questions]))
    return head, found


def slug(question):
    return re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")


def write(page, folder):
    """Replace the page of all questions by a list of them, and write a page for each."""
    head, groups = parts(page.read_text(encoding="utf-8"))
    folder.mkdir()
    text = head
    for title, questions in groups:
        text += f"\n## {title}\n\n"
        for question, answer in questions:
            text += f"- [{question}](questions/{slug(question)}.md)\n"
            answer = re.sub(r"\]\((?!https?:|#)", "](../", answer)
            (folder / f"{slug(question)}.md").write_text(f"# {question}\n\n{answer}\n", encoding="utf-8")
    names = "\n".join(f"questions/{slug(question)}" for _, questions in groups for question, _ in questions)
    page.write_text(f"{text}\n```{{toctree}}\n:hidden:\n\n{names}\n```\n", encoding="utf-8")
