"""An image's bytes as an answer."""

from urllib.parse import quote

from flask import Response, request

from api.context import services
from common.formats import strip_metadata
from common.storage import object_key
from common.tables import Image, StoredObject

FILTER = "1"  # part of the ETag: raise it when the filter gives other bytes than before
KEPT = "private, max-age=31536000, immutable"


def image_response(image: Image, stored: StoredObject) -> Response:
    """The stored bytes less their metadata; they never change, so browsers may keep them."""
    response = Response(mimetype=stored.media_type)
    tag = f"{stored.sha256.hex()[:32]}-{FILTER}"
    response.set_etag(tag)
    response.headers["Cache-Control"] = KEPT
    if tag not in request.if_none_match:
        response.set_data(strip_metadata(services().storage.get(object_key(stored.sha256))))
        name = quote(image.file_name, safe="")
        response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{name}"
    response.make_conditional(request)
    return response
