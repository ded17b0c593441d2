"""Search analytics: popular queries, queries without results, daily figures."""
