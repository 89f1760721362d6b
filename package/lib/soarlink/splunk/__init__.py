"""The platform: alert payload, conf files, splunkd, Common Action Model."""
