"""What Splunk's schema does not say of our dashboards' definitions; each module is one kind of mistake."""
