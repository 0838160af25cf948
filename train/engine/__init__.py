"""The training loop: steps, schedule, EMA, checkpoints, logs."""
