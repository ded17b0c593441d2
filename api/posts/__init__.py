"""Posts, likes, follows and share links at the edge."""
