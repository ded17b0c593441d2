"""Languages of queries and labels: their codes and the word index."""
