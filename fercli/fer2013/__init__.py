"""The data set FER2013 in any of its layouts: the challenge's CSV, class folders, a list file or TFRecord.

Source: Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013.
"""

from fercli.fer2013.reading import read_pictures
from fercli.fer2013.rows import Pictures, Row, Split, class_counts

__all__ = ["Pictures", "Row", "Split", "class_counts", "read_pictures"]
