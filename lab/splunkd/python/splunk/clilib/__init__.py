"""Configuration files and paths, as the command line tools see them."""
