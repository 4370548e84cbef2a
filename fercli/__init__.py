"""fercli reads the facial expressions in folders of photos and writes a report."""

from fercli.runtimes import set_environment

__version__ = "0.1.0"

set_environment()
