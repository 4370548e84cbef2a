"""Engines read many photos: `local` in worker processes of this machine, `ray` by actors on a cluster."""
