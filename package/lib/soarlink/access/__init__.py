"""Who may use which SOAR account, and the endpoint that gives it to them."""
