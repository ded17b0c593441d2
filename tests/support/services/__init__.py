"""The service itself, started in processes of its own or built in the process of the test."""
