"""Small corrections of what Sphinx makes of the API: signatures of modules, and links from names in the text."""

import inspect
import re
from functools import cached_property

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.inspect import stringify_signature

NAME = re.compile(r"(?:rp\.|retroprop\.)?([A-Za-z_][\w.]*)(?:\(.*\))?$", re.DOTALL)

MECHANISM = {                                                       # methods that users never call
    "prepare", "current_scratch", "move_together", "update_from_many", "example_gradients", "example_squared_norms",
    "exact_costs", "check_together", "target_signature", "divide", "divide_by", "costs_shape", "output_batch_last",
    "gradient_batch_last", "buffers_for", "way_back", "compute_constants", "constants", "rule", "find_segments",
    "segment", "contiguous", "store_states", "steps_of", "option", "set_option", "checked_options",
}


def signature(app, what, name, obj, options, text, returned):
    """Give a class the signature of its constructor: ``Module.__new__`` takes anything, to keep what ``__init__`` was given."""
    if what != "class" or text is None or isinstance(obj.__init__, type(object.__init__)):
        return None
    _, *parameters = inspect.signature(obj.__init__).parameters.values()
    return stringify_signature(inspect.Signature([one.replace(annotation=one.empty) for one in parameters])), ""


def left_out(app, what, name, obj, skip, options):
    """Leave attributes out, and properties without words of their own: the docstrings of the classes have them."""
    written = isinstance(obj, cached_property) or (isinstance(obj, property) and inspect.isfunction(obj.fget) and obj.__doc__)
    if name in MECHANISM:
        return True
    ours = inspect.isroutine(obj) and (getattr(obj, "__module__", None) or "").startswith("retroprop")
    return None if ours or written else True


NOT_INSIDE = (nodes.title, nodes.reference, addnodes.pending_xref, addnodes.desc_signature)


class Links(SphinxPostTransform):
    """Link names in the text, such as ``rp.Linear``, ``Linear(2, 3)`` and ``datasets.moons``, to their pages."""

    default_priority = 5                                            # before references are resolved

    def run(self, **options):
        known = self.env.domains.python_domain.objects
        here = self.env.current_document.docname
        for literal in list(self.document.findall(nodes.literal)):
            found = NAME.match(literal.astext())
            if not found or any(isinstance(one, NOT_INSIDE) for one in parents(literal)):
                continue
            entry = known.get(f"retroprop.{found[1]}")
            if entry and entry.objtype in ("class", "function", "exception", "method", "data") and entry.docname != here:
                address = self.app.builder.get_relative_uri(here, entry.docname) + f"#{entry.node_id}"
                link = nodes.reference("", "", internal=True, refuri=address)
                literal.replace_self(link)
                link += literal


def parents(node):
    while node.parent is not None:
        node = node.parent
        yield node


def setup(app):
    app.connect("autodoc-process-signature", signature, priority=100)     # before numpydoc, which asks __text_signature__
    app.connect("autodoc-skip-member", left_out)
    app.add_post_transform(Links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
