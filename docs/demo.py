"""Fill a running service with a demo user and a gallery: `python docs/demo.py FOLDER`.

The user is the one whose name and password clients of the earlier classifier service send; the
gallery shows the photographs in FOLDER. All data are sent through the public API, and existing
accounts and posts are kept. Do not use it on a service that others can reach: the password is
public.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

NAME, PASSWORD, EMAIL = "client_user", "tryClassifier", "client_user@example.org"
SUFFIXES = {
    *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"),
    *(".tif", ".tiff", ".heic", ".heif", ".avif"),
}


def main() -> int:
    """Create the user and the posts; return 0 on success, 1 after an error message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        help="folder of photographs; without it only the user is created",
    )
    parser.add_argument("--url", default=os.environ.get("BASE_URL", "http://127.0.0.1:5000"))
    options = parser.parse_args()
    try:
        with httpx.Client(base_url=options.url, timeout=60) as client:
            _log_in(client)
            print(f"user {NAME}, password {PASSWORD}")
            if options.folder:
                print(f"{_fill(client, options.folder)} new posts: {options.url}/gallery")
    except (OSError, ValueError, httpx.HTTPError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _log_in(client: httpx.Client) -> None:
    account = {"name": NAME, "email": EMAIL, "password": PASSWORD}
    _json(client.post("/v1/users", json=account), accepted=409)
    form = {"grant_type": "", "username": NAME, "password": PASSWORD}
    token = _json(client.post("/token", data=form))["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def _fill(client: httpx.Client, folder: Path) -> int:
    """Post each photograph that has not been posted yet; returns the number of new posts."""
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not photos:
        raise ValueError(
            f"{folder} contains no photographs; supported: {', '.join(sorted(SUFFIXES))}"
        )
    posted = set(_posted(client))
    new = 0
    for path in photos:
        files = {"file": (path.name, path.read_bytes())}
        image = _json(client.post("/v1/images", files=files))["id"]
        if image not in posted:
            post = {"image_id": image, "text": path.stem.replace("_", " ")}
            _json(client.post("/v1/posts", json=post))
            posted.add(image)
            new += 1
    return new


def _posted(client: httpx.Client) -> Iterator[str]:
    """Yield the ids of the images that the user has posted."""
    query = {"user": NAME, "limit": "100"}
    while True:
        page = _json(client.get("/v1/posts", params=query))
        yield from (post["image"]["id"] for post in page["items"])
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def _json(response: httpx.Response, accepted: int = 0) -> Any:
    """Return the response's JSON; raises ValueError on an error status other than `accepted`."""
    if response.is_error and response.status_code != accepted:
        raise ValueError(f"{response.request.url}: {response.text}")
    return response.json()


if __name__ == "__main__":
    sys.exit(main())
