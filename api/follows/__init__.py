"""Follows: follow and unfollow a user; list followers and followed users."""
