"""A broker in memory for two processes: the parent holds it, a child uses it over a socket.

The parent runs a `BrokerServer`, the child an `InheritedBroker`, each on one end of a socket pair
that only they can reach. If the child ends, everything that it had open is closed, so that its
unacknowledged messages return to their queues.
"""
