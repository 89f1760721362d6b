"""Search commands: what people see of the outbox, and what they do with it."""
