"""What holds unless the user says otherwise: of the library, of every command and of comparisons."""

from __future__ import annotations

MODEL = "default"
"""The name of the model that is taken; `fercli.bundle.DEFAULT_MODEL` is the one that it stands for."""

BACKEND = "auto"
DEVICE = "auto"
DETECTOR = "mtcnn"
ENGINE = "local"

MIN_FACE = 40
"""The smallest face that is looked for, in pixels."""

MIN_SCORE = 0.9
"""The lowest score of a face."""

MAX_PIXELS = 200_000_000
"""Pixels that a picture may have."""

BATCH_SIZE = 64
"""Faces that a network sees at once."""

MOST_AT_ONCE = 4096
"""Faces that it may see at once: each layer takes up to 0.3 MB for every one."""

TIMEOUT: float = 120
"""Seconds that a photo may take to be read."""
