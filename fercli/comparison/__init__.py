"""How backends, models and detectors compare: what they answer, how fast, at what cost.

`side_by_side` measures subjects in turn, each in a fresh `process` of its own; `network` is the subject
that backends and models share. `backends`, `models` and `detectors` make rows of what comes back; `tables`
shows them; `faces` reads what they are measured on.
"""
