"""HTTP calls as clients make them: logged in, as a browser, or as raw bytes."""
