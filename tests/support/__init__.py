"""Code that tests share, in packages by role."""
