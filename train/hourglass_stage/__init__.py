"""What only the training of the hourglass needs."""
