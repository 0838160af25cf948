"""What only the training of the detector needs."""
