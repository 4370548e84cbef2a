"""The parts of matplotlib that charts are made of, imported here alone so that it leaves no file behind."""

from fercli.runtimes import import_matplotlib

import_matplotlib()

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import PercentFormatter

__all__ = ["Figure", "FigureCanvasAgg", "PercentFormatter", "Polygon"]
