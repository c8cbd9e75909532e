"""The style sheet of all reports: light and dark by the reader's preference, tables as cards on a narrow screen."""

from __future__ import annotations

COLORS = {                                                          # name: light, dark
    "paper": ("#ffffff", "#15151c"), "ink": ("#1c1c28", "#e9e9f0"), "quiet": ("#555562", "#b0b0be"),
    "line": ("#d9d9e0", "#3a3a48"), "box": ("#f4f4f7", "#22222c"), "link": ("#0b57a4", "#8ab8f5"),
    "warning": ("#fff3d6", "#3a2f10"), "edge": ("#b46a00", "#e0a030"),
}

RULES = """
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 65rem;
       margin: 1.6rem auto 3rem; padding: 0 1.5rem; overflow-wrap: break-word; }
a { color: var(--link); }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; text-wrap: balance; }
h1 span { white-space: nowrap; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
p, li { max-width: 46rem; }
h1 + p { margin-top: 0; max-width: none; color: var(--quiet); }
.remarks { background: var(--warning); color: var(--ink); border-left: 4px solid var(--edge); padding: .5rem 1rem;
           margin-bottom: 1.1rem; }
.notes { color: var(--quiet); font-size: .92rem; margin-bottom: 1.1rem; }
.remarks p, .notes p { margin: .2rem 0; max-width: none; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; vertical-align: top; background: #ffffff; border-radius: 4px; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: .8rem; }
.panels img { width: 100%; height: 100%; max-width: 32rem; object-fit: contain; object-position: top; }
figure.beside { display: grid; grid-template-columns: minmax(9rem, 1fr) minmax(0, 3.2fr); gap: 1.4rem; }
blockquote { margin: 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line); color: var(--quiet);
             font-size: .92rem; align-self: start; }
figcaption { color: var(--quiet); font-size: .92rem; max-width: 46rem; margin-top: .3rem; }
figcaption strong { color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .93rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; white-space: nowrap; vertical-align: top; }
thead th { white-space: normal; vertical-align: bottom; border-bottom: 2px solid var(--ink); }
tbody th, td { border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; white-space: normal; }
td:last-child, th:last-child { padding-right: 0; }
tbody th + td { white-space: normal; min-width: 10rem; }
.sentences th, .sentences td { white-space: normal; font-weight: normal; }
.sentences tbody th { width: 28%; }
.sentences tbody th + td { font-weight: 600; }
pre { background: var(--box); padding: .8rem 1rem; font-size: .88rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 44rem) {
  body { padding: 0 .9rem; margin-top: 1rem; }
  h1 { font-size: 1.5rem; }
  ul { padding-left: 1.3rem; }
  figure.beside { grid-template-columns: minmax(0, 1fr); gap: .6rem; }
  .image { overflow-x: auto; }
  .image img { max-width: none; width: max(100%, var(--legible)); }
  .wide { overflow-x: visible; }
  table, tbody, tr, .sentences tbody th { display: block; width: auto; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border-top: 2px solid var(--ink); padding: .4rem 0 .8rem; }
  tbody th { display: block; border: 0; font-size: 1.05rem; }
  td, td:last-child, tbody th + td { display: flex; min-width: 0; justify-content: space-between; gap: 1rem; padding: .2rem 0;
                                     white-space: normal; text-align: right; }
  td::before { content: attr(data-label); color: var(--quiet); text-align: left; flex: none; max-width: 50%;
               font-weight: normal; }
}
@media (max-width: 28rem) {
  .wider::before { content: "scroll for more →"; display: block; position: sticky; left: 0; width: max-content;
                   margin-left: auto; color: var(--quiet); font-size: .85rem; }
}
"""


def variables(shade: int) -> str:
    """The colours of a theme, 0 for light and 1 for dark, as CSS variables."""
    return "".join(f" --{name}: {both[shade]};" for name, both in COLORS.items())


STYLE = (f"\n:root {{ color-scheme: light dark;{variables(0)} }}\n"
         f"@media (prefers-color-scheme: dark) {{ :root {{{variables(1)} }} }}{RULES}")
