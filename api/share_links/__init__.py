"""Share links: create, list and revoke them; show the shared post."""
