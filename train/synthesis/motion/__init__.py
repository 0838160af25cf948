"""Where postures come from: captures read and retargeted, a bank of poses, and poses composed of parts."""
