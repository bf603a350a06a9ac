"""The Redis Cluster that a server is a node of."""
