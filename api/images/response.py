"""The response that carries the bytes of an image."""

from urllib.parse import quote

from flask import Response, request

from api.state import services
from common.images.formats import strip_metadata
from common.storage import object_key
from common.tables import Image, StoredObject, Visibility

DAY = 24 * 3600  # seconds
FILTER = "1"  # part of the ETag: raise it when `strip_metadata` returns different bytes


def cache_control(image: Image) -> str:
    """The `Cache-Control` of the bytes. They never change but their visibility may, so a cache must
    revalidate after a day, which costs one read of the image's row.
    """
    is_public = image.visibility == Visibility.PUBLIC or bool(image.posts)
    return f"{'public' if is_public else 'private'}, max-age={DAY}, must-revalidate"


def image_response(image: Image, stored: StoredObject) -> Response:
    """Return the stored bytes without their metadata, or the requested range of them."""
    response = Response(mimetype=stored.media_type)
    tag = f"{stored.sha256.hex()[:32]}-{FILTER}"
    response.set_etag(tag)
    response.headers["Cache-Control"] = cache_control(image)
    length = None
    if tag not in request.if_none_match:
        response.set_data(strip_metadata(services().storage.get(object_key(stored.sha256))))
        name = quote(image.file_name, safe="")
        response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{name}"
        length = response.content_length
    response.make_conditional(request, accept_ranges=length is not None, complete_length=length)
    return response
