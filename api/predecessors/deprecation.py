"""What every answer of a predecessor's route says: that it is old, and what replaces it."""

from flask import Blueprint, Response, url_for


def say_deprecated(blueprint: Blueprint) -> None:
    """Add both headers to all answers of `blueprint`, errors too."""

    @blueprint.after_request
    def _say(response: Response) -> Response:
        response.headers["Deprecation"] = "true"
        response.headers["Link"] = f'<{url_for("predictions.create")}>; rel="successor-version"'
        return response
