"""From a query to ranked results: what it asks for, how well each image answers, and why."""
