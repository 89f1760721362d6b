"""What the configuration pages save: rules, secrets, the test of a connection."""
