"""`python docs/demo.py FOLDER`: a demo user with a gallery, on a running service.

The user is the one that the classifier's callers know; the gallery shows the photographs in FOLDER.
Everything goes in as anybody's calls would, and what is there already is left alone. Not for a
service that strangers can reach: everybody knows this password.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

NAME, PASSWORD, EMAIL = "client_user", "tryClassifier", "client_user@example.org"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}


def main() -> int:
    """0 when everything is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="photographs; none: the user alone")
    parser.add_argument("--url", default=os.environ.get("BASE_URL", "http://127.0.0.1:5000"))
    options = parser.parse_args()
    try:
        with httpx.Client(base_url=options.url, timeout=60) as client:
            _sign_in(client)
            print(f"user {NAME}, password {PASSWORD}")
            if options.folder:
                print(f"{_fill(client, options.folder)} new posts: {options.url}/gallery")
    except (OSError, ValueError, httpx.HTTPError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _sign_in(client: httpx.Client) -> None:
    wanted = {"name": NAME, "email": EMAIL, "password": PASSWORD}
    _answer(client.post("/v1/users", json=wanted), known=409)
    form = {"grant_type": "", "username": NAME, "password": PASSWORD}
    token = _answer(client.post("/token", data=form))["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def _fill(client: httpx.Client, folder: Path) -> int:
    """Post each photograph that is in no post yet; returns how many those were."""
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not photos:
        raise ValueError(f"{folder} holds no photographs")
    posted = set(_posted(client))
    new = 0
    for path in photos:
        files = {"file": (path.name, path.read_bytes())}
        image = _answer(client.post("/v1/images", files=files))["id"]
        if image not in posted:
            post = {"image_id": image, "text": path.stem.replace("_", " ")}
            _answer(client.post("/v1/posts", json=post))
            posted.add(image)
            new += 1
    return new


def _posted(client: httpx.Client) -> Iterator[str]:
    """The images that the user has posted."""
    query = {"user": NAME, "limit": "100"}
    while True:
        page = _answer(client.get("/v1/posts", params=query))
        yield from (post["image"]["id"] for post in page["items"])
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def _answer(response: httpx.Response, known: int = 0) -> Any:
    """What was answered; raises ValueError with what the service said against it."""
    if response.is_error and response.status_code != known:
        raise ValueError(f"{response.request.url}: {response.text}")
    return response.json()


if __name__ == "__main__":
    sys.exit(main())
