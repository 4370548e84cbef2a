"""The parts of matplotlib that charts need. It is imported in a way that leaves no files."""

from fercli.runtimes import import_matplotlib

import_matplotlib()

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import PercentFormatter

__all__ = ["Figure", "FigureCanvasAgg", "PercentFormatter", "Polygon"]
