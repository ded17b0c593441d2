"""How good the search is on labelled photographs, and whether feedback makes it better."""
