"""The database: engines, sessions and transactions, column types and ids."""
