"""What only the training of the fusion network needs."""
