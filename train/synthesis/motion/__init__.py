"""Where postures come from: captures read and retargeted, a pose library, and poses composed of parts."""
