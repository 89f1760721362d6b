"""What is wrong between Splunk and SOAR, check by check, and what to do about it."""
