"""Checkpoints: a folder or a Hub id in, a configuration and tensors out; save, validate, push."""
