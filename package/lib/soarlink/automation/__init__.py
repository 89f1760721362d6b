"""What became of playbook runs, and what they answered."""
