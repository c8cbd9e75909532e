"""The words of the search index: those of English, with numbers such as 0.01², which Sphinx would search but not index."""

from sphinx.search.en import SearchEnglish


class Questions(SearchEnglish):
    lang = "questions"
    stopwords = SearchEnglish.stopwords - {"he"}                    # He et al.

    def word_filter(self, word):
        return not (word.isascii() and word.isdigit()) and word not in self.stopwords


def setup(app):
    app.add_search_language(Questions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
