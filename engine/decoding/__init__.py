"""From the bytes of an image file to its pixels, within the memory that the process may use."""
