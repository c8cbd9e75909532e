// Read at the top of Sphinx's searchtools.js: how results are ordered, and what happens where no page has all words.
var Scorer = {
  score: ([page, title, anchor, descr, score, file, kind]) => {
    if (page.startsWith("_modules") || page.startsWith("performance")) return score - 4;
    if (kind === "text" && /^(questions|how-to|tutorial|notebooks)/.test(page)) return score + 1;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

const worth = (page) =>
  /^questions\//.test(page) ? 1.35
  : /^(how-to\/|glossary|tutorial)/.test(page) ? 1.3
  : /^api\/names/.test(page) ? 1.2
  : /^(notebooks|_modules|performance|questions$)/.test(page) ? 0.8 : 1;

// Sphinx wants all words of a query on one page, and scores a page by its best word. A question has many words: pages are ordered
// by how many they have, where a word that few pages have counts more, and one in the title twice. Accents may be left out: the
// index has words without them.
queueMicrotask(() => {
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const [, terms, excluded] = parse(query.normalize("NFD").replace(/\p{M}/gu, ""));
    const [given, , , highlighted, objects] = parse(query);
    return [given, terms, excluded, highlighted, objects];
  };
  const whole = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const pages = new Map();
    for (const term of terms) {
      const found = whole(new Set([term]), excluded);
      const weight = Math.log(1 + Search._index.docnames.length / (1 + found.length));
      for (const result of found) {
        const before = pages.get(result[0]) ?? [...result.slice(0, 4), 0, ...result.slice(5)];
        before[4] += weight * (result[4] >= Scorer.partialTitle ? 2.5 : result[4] > Scorer.partialTerm ? 1 : 0.3);
        pages.set(result[0], before);
      }
    }
    for (const result of pages.values())                            // long pages have any word; short ones answer
      result[4] *= worth(result[0]);
    const results = [...pages.values()].sort((a, b) => b[4] - a[4]).slice(0, 30);
    const full = Scorer.title / Math.max(...results.map((result) => result[4]));
    for (const result of results) result[4] *= full;
    return results;
  };
});
