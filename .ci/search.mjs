// Ask the search of a built site: node .ci/search.mjs SITE, with questions as JSON on standard input; prints the pages that it finds.
// The site's own searchtools.js, language_data.js and searchindex.js run here, on a document that has no elements.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";

const site = process.argv[2];
const nothing = { children: [], appendChild: (child) => child, removeChild() {}, dataset: {} };
const context = vm.createContext({
  console, URLSearchParams, queueMicrotask, _ready() {}, SPHINX_HIGHLIGHT_ENABLED: false, _: (text) => text,
  document: { getElementById: () => nothing, querySelectorAll: () => [], documentElement: nothing, createElement: () => nothing },
});
context.window = context;
for (const name of ["_static/documentation_options.js", "_static/language_data.js", "_static/searchtools.js"])
  vm.runInContext(readFileSync(join(site, name), "utf8"), context, { filename: name });
await null;                                                         // what searchtools.js has queued
vm.runInContext(readFileSync(join(site, "searchindex.js"), "utf8"), context);
context.questions = JSON.parse(readFileSync(0, "utf8"));
const found = vm.runInContext("questions.map((query) => Search._performSearch(...Search._parseQuery(query)).reverse())", context);
console.log(JSON.stringify(found.map((results) => results.map(([page, title, anchor, , score]) => [page + anchor, title, score]))));
