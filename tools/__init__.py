"""What the Makefile calls: environments, build and gates. Not shipped; standard library only."""
