"""The add-on's modular inputs."""
