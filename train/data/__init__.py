"""Prepared people in memory, and their augmentation in batches on the training device."""
