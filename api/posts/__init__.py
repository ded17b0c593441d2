"""Posts: create, list, edit, delete and like them."""
