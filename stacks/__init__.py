"""What each cloud service consists of, and the Pulumi provider that carries it out. Knows nothing of the controller."""
