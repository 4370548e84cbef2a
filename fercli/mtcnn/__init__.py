"""MTCNN, the face detector: a cascade of three nets over a pyramid of the picture.

The method is Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks" (2016); the weights and every rounding follow facenet-pytorch 2.6.0, so both find the same
faces. `resampling` takes means of a picture's pixels, `pyramid` makes its levels, `boxes` is the
arithmetic of boxes, `nets` loads the three nets, `cascade` runs them one after the other, `detector`
is the plugin.
"""

from fercli.mtcnn.detector import MtcnnDetector, MtcnnPlugin

__all__ = ["MtcnnDetector", "MtcnnPlugin"]
