"""Try and test the add-on without Splunk and SOAR."""
