"""fercli reads the facial expressions in folders of photos and writes a report."""

__version__ = "0.1.0"
