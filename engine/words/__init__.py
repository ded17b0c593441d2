"""Word lists of other languages: catalogue, download, and the word index made of them."""
