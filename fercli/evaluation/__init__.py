"""How good a network is: metrics with their intervals, calibration, and charts of both."""
