"""A form with one file, as options of Flask's test client."""

from io import BytesIO
from typing import Any


def parts(field: str, name: str, data: bytes) -> dict[str, Any]:
    return {"data": {field: (BytesIO(data), name)}, "content_type": "multipart/form-data"}
