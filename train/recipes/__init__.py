"""Commands one after another: what ``train.quickstart`` and ``train.reproduce`` are made of."""
