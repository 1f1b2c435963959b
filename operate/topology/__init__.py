"""`make topology`: a picture of a stack from its own data, without a cluster and without the engine.

`graph` is what the picture shows, `words` how it is said, `layout` where it stands on the page, `svg` and `mermaid` are
its two forms, `draw` writes them. Figures are the plan's: what runs on a cluster is `pulumi`'s and kubectl's to say.
"""

from operate.topology.draw import Drawing, draw

__all__ = ["Drawing", "draw"]
