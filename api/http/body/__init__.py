"""Request bodies: read within a limit and a deadline, then parsed as JSON, form or image bytes."""
