"""Search analytics: popular queries, queries without results, click and vote rates by day."""
