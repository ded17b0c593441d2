"""Code that the API and the engine share."""
