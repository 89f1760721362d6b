"""One module per alert action: puts the parts together."""
