"""What every answer of a predecessor's route says: that it is old, and what replaces it."""

from flask import Blueprint, Response, url_for


def say_deprecated(blueprint: Blueprint, successor: str = "predictions.create") -> None:
    """Add both headers to all answers of `blueprint`, errors too; `successor` is an endpoint."""

    @blueprint.after_request
    def _say(response: Response) -> Response:
        response.headers["Deprecation"] = "true"
        response.headers["Link"] = f'<{url_for(successor)}>; rel="successor-version"'
        return response
