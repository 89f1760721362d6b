"""Folder for PYTHONPATH: the stand-in of the Python package that Splunk ships with its interpreter."""
