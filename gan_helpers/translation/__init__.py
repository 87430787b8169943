"""Pictures to pictures (12.4.5): pix2pix and CycleGAN."""
