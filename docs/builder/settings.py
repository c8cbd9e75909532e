"""The settings of Sphinx, its extensions and its theme."""

import retroprop as rp

SETTINGS = {
    "project": "retroprop",
    "author": "The retroprop developers",
    "copyright": "the retroprop developers, BSD-3-Clause",
    "release": rp.__version__,
    "extensions": ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "sphinx.ext.viewcode", "numpydoc",
               "myst_nb", "sphinx_design", "docs.builder.executed", "docs.builder.hooks", "docs.builder.searching"],
    "root_doc": "index",
    "exclude_patterns": ["**/.ipynb_checkpoints"],
    "templates_path": ["templates"],
    "default_role": "code",
    "nb_number_source_lines": False,

    # Notebooks and Markdown
    "nb_execution_mode": "off",                                     # the stored outputs; .ci/notebooks.py executes them
    "nb_remove_code_outputs": False,
    "myst_enable_extensions": ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_inline"],
    "myst_heading_anchors": 3,
    "myst_dmath_double_inline": True,

    # The API
    "autosummary_generate": True,
    "autosummary_imported_members": False,
    "autodoc_typehints": "none",                                    # the docstrings have the types
    "autodoc_preserve_defaults": False,
    "autodoc_member_order": "bysource",
    "numpydoc_show_class_members": False,
    "numpydoc_class_members_toctree": False,
    "add_module_names": False,
    "toc_object_entries_show_parents": "hide",

    # Formulas: one file beside the pages, which draws them without fonts, because browsers load no fonts from file://
    "mathjax_path": "tex-svg.js",
    "mathjax3_config": {"svg": {"fontCache": "global"}, "options": {"enableMenu": False}},

    # The pages
    "html_theme": "pydata_sphinx_theme",
    "html_title": "retroprop",
    "html_static_path": ["static"],
    "html_css_files": ["site.css"],
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "html_show_sphinx": False,
    "html_search_language": "questions",
    "html_sidebars": {"index": [], "tutorial": [], "gallery": [], "lecture": []},
    "html_context": {"default_mode": "auto"},
    "html_theme_options": {
        "logo": {"text": "retroprop"},
        "navbar_align": "left",
        "header_links_before_dropdown": 6,
        "show_prev_next": True,
        "show_toc_level": 2,
        "navigation_with_keys": False,
        "footer_start": ["copyright"],
        "footer_end": [],
        "secondary_sidebar_items": ["page-toc"],
        "search_bar_text": "Search: a name, or a question",
        "pygments_light_style": "a11y-high-contrast-light",
        "pygments_dark_style": "a11y-high-contrast-dark",
        "primary_sidebar_end": [],
        "back_to_top_button": False,
    },
}
