"""Engines run the analyzer over many photos: `local` on this machine's threads."""
