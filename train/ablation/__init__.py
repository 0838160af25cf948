"""The parts of ``train.ablate``: its runs, its tables."""
