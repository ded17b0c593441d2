"""Detections: decode a detector's outputs to boxes, and render boxes in output formats.

There is one module per decoder and one per format. A decoder has `decode(outputs, side, threshold)`
and returns `boxes.Candidates`; a format has `render(found, width, height)`.
"""
