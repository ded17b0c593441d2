"""The output formats of detections; each function returns the part of the result that has its
name.
"""

from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from engine.detections.boxes import DetectedObject
from engine.outlines.svg import COLOURS

Render = Callable[[Sequence[DetectedObject], int, int], dict[str, Any]]


def boxes(found: Sequence[DetectedObject], width: int, height: int) -> dict[str, Any]:
    """Return `{"objects": [{label, class_id, score, bbox}]}`."""
    objects = [
        {
            "label": each.category.name,
            "class_id": each.class_id,
            "score": each.score,
            "bbox": each.bbox,
        }
        for each in found
    ]
    return {"objects": objects}


def coco(found: Sequence[DetectedObject], width: int, height: int) -> dict[str, Any]:
    """Return `{"coco": {images, categories, annotations}}`; categories have COCO's own ids."""
    categories = sorted({(each.category.id, each.category.name) for each in found})
    annotations = [
        {
            "id": number,
            "image_id": 1,
            "category_id": each.category.id,
            "bbox": each.bbox,
            "area": round(each.bbox[2] * each.bbox[3], 2),
            "iscrowd": 0,
            "score": each.score,
        }
        for number, each in enumerate(found, 1)
    ]
    return {
        "coco": {
            "images": [{"id": 1, "width": width, "height": height}],
            "categories": [{"id": id, "name": name} for id, name in categories],
            "annotations": annotations,
        }
    }


def yolo(found: Sequence[DetectedObject], width: int, height: int) -> dict[str, Any]:
    """Return `{"yolo": {"names", "labels"}}`: names by class number, and the text of a label file,
    one object per line: class, center x, center y, width and height as fractions of the image.
    """
    names = {str(each.class_id): each.category.name for each in found}
    return {
        "yolo": {
            "names": {number: names[number] for number in sorted(names, key=int)},
            "labels": "".join(_yolo_line(each, width, height) for each in found),
        }
    }


def svg(found: Sequence[DetectedObject], width: int, height: int) -> dict[str, Any]:
    """Return `{"svg": text}`: a drawing to overlay on the image, with one rectangle per object."""
    stroke = max(width, height) / 400
    labels = sorted({each.category.name for each in found})
    rectangles = "".join(
        _rectangle(each, COLOURS[labels.index(each.category.name) % len(COLOURS)]) for each in found
    )
    return {
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" fill="none" stroke-width="{stroke:g}">{rectangles}</svg>'
    }


FORMATS: dict[str, Render] = {"boxes": boxes, "coco": coco, "yolo": yolo, "svg": svg}


def _yolo_line(each: DetectedObject, width: int, height: int) -> str:
    x, y, across, down = each.bbox
    center = (x + across / 2) / width, (y + down / 2) / height
    numbers = " ".join(f"{number:.6f}" for number in (*center, across / width, down / height))
    return f"{each.class_id} {numbers}\n"


def _rectangle(each: DetectedObject, colour: str) -> str:
    x, y, width, height = each.bbox
    name = each.category.name
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" stroke="{colour}" '
        f"data-label={quoteattr(name)}><title>{escape(name)} {each.score:.2f}</title></rect>"
    )
