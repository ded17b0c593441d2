"""Read request bodies within a limit, and parse them as JSON, form or image bytes."""
