"""The parts of matplotlib that charts are made of, imported here alone so that it leaves no file behind."""

from fercli.runtimes import import_matplotlib

import_matplotlib()

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402 - as said above
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import Polygon  # noqa: E402
from matplotlib.ticker import PercentFormatter  # noqa: E402

__all__ = ["Figure", "FigureCanvasAgg", "PercentFormatter", "Polygon"]
