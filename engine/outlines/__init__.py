"""Convert the network's mask to outlines of objects, and outlines to output formats.

There is one module per format; each has `render(outlines, width, height)` and reads the geometry
defined in `shapes.py`.
"""
