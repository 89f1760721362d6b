"""Splunk SOAR's REST API as functions; answers are judged by their body."""
