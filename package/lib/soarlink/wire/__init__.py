"""One HTTPS exchange: whom to trust, how long to wait, what a failure means."""
