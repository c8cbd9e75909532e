"""The words of the search index: those of English, with numbers such as 0.01², which Sphinx would search but not index.

Words have no accents in it; `static/scorer.js` takes them from the words of a query.
"""

import unicodedata

from sphinx.search.en import SearchEnglish


class Questions(SearchEnglish):
    lang = "questions"
    stopwords = SearchEnglish.stopwords - {"he"}                    # He et al.

    def stem(self, word):
        letters = unicodedata.normalize("NFD", word)
        return super().stem("".join(letter for letter in letters if not unicodedata.combining(letter)))

    def word_filter(self, word):
        return not (word.isascii() and word.isdigit()) and word not in self.stopwords


def setup(app):
    app.add_search_language(Questions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
