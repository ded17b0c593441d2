"""From the network's mask to outlines of objects, and from outlines to the formats people want.

A module per format; each has `render(outlines, width, height)` and reads the one geometry of
`shapes.py`.
"""
