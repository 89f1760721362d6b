"""Scripts that do a part of the product's job in the plainest way; each is started as a process of its own."""
