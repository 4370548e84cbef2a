"""How backends, models and detectors compare: what they answer, how fast, at what cost.

`contest` measures contenders in turn, each in a fresh process of its own, where `worker` and `network`
run. `backends`, `models` and `detectors` make rows of what comes back; `tables` shows them; `faces` reads
what they are measured on.
"""
