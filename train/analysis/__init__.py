"""What ``train.analyse`` computes and draws from a finished run of ``train.fusion``."""
