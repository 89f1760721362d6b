"""What SOAR did, on the notable or finding in Enterprise Security."""
