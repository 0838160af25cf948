"""Training, evaluation and publishing commands: ``python -m train.<command> --help``."""
