"""Images: list, show, change and delete them, and serve their bytes and thumbnails."""
