"""What became of playbook runs."""
