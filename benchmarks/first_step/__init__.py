"""The shortest program a user of each library writes up to one training step."""
