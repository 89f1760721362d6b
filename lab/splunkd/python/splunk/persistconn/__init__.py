"""REST handlers that stay alive between requests (`scripttype = persist`)."""
