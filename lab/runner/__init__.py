"""Runs the built add-on's actions the way splunkd does, and reads what they leave the way Splunk does."""
