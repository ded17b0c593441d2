"""The servers of the tests: databases, brokers, S3, Prometheus, and fakes of remote services."""
