"""The `Deprecation` and `Link` headers of the routes of earlier services."""

from flask import Blueprint, Response, url_for


def add_deprecation_headers(blueprint: Blueprint, successor: str = "predictions.create") -> None:
    """Add both headers to all responses of `blueprint`, errors included.

    `successor` is the Flask endpoint of the route that replaces it.
    """

    @blueprint.after_request
    def _add(response: Response) -> Response:
        response.headers["Deprecation"] = "true"
        response.headers["Link"] = f'<{url_for(successor)}>; rel="successor-version"'
        return response
