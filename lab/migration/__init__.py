"""From Splunk's SOAR Export app to this add-on: saved searches, setting by setting."""
