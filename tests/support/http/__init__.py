"""HTTP calls as clients make them: signed in, as a browser, or as raw bytes."""
