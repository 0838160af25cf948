"""What several test files need: fake data, doubles, and small programs that tests start."""
