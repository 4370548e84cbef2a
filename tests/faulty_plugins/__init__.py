"""Plugins as strangers might write them, most of them wrong in one way each."""

from __future__ import annotations

import sys
import threading

ENTRY_POINTS = """
[fercli.backends]
raises-in-load = fercli_faulty.backends:RaisesInLoad
raises-in-call = fercli_faulty.backends:RaisesInCall
wrong-shape = fercli_faulty.backends:WrongShape
not-finite = fercli_faulty.backends:NotFinite
unavailable = fercli_faulty.backends:Unavailable
raises-in-answer = fercli_faulty.backends:RaisesInAnswer
no-backend = fercli_faulty:NoPlugin
off = fercli_faulty.backends:Off
near = fercli_faulty.backends:Near
coarse = fercli_faulty.backends:Coarse
exits = fercli_faulty.backends:Exits
killed = fercli_faulty.backends:Killed
gives-nothing = fercli_faulty.backends:GivesNothing
gives-words = fercli_faulty.backends:GivesWords
loads-nothing = fercli_faulty.backends:LoadsNothing
leaves = fercli_faulty.backends:Leaves
leaves-in-load = fercli_faulty.backends:LeavesInLoad
interrupts = fercli_faulty.backends:Interrupts
is-speechless = fercli_faulty.backends:IsSpeechless
describes-nothing = fercli_faulty.backends:DescribesNothing
prints = fercli_faulty.backends:Prints
forgets = fercli_faulty.backends:Forgets
waits = fercli_faulty.backends:Waits
waits-at-the-end = fercli_faulty.backends:WaitsAtTheEnd
leaves-in-import = fercli_faulty_leaving:Plugin

[fercli.detectors]
two-halves = fercli_faulty.detectors:TwoHalvesPlugin
raises-in-detect = fercli_faulty.detectors:RaisesInDetectPlugin
by-width = fercli_faulty.detectors:ByWidthPlugin
killed-in-load = fercli_faulty.detectors:KilledInLoadPlugin
raises-in-import = fercli_faulty_import:Plugin
leaves-in-import = fercli_faulty_leaving:Plugin
raises-in-constructor = fercli_faulty.detectors:RaisesInConstructor
not-there = fercli_faulty.detectors:NotThere
no-detector = fercli_faulty:NoPlugin
waits = fercli_faulty.detectors:WaitsPlugin
gives = fercli_faulty.detectors:GivesPlugin
leaves = fercli_faulty.detectors:LeavesPlugin
interrupts = fercli_faulty.detectors:InterruptsPlugin
framed-by-words = fercli_faulty.detectors:FramedByWordsPlugin
loads-nothing = fercli_faulty.detectors:LoadsNothingPlugin
computes-in-numpy = fercli_faulty.detectors:ComputesInNumpyPlugin
kills-its-reader = fercli_faulty.detectors:KillsItsReaderPlugin
has-errors-of-its-own = fercli_faulty.detectors:HasErrorsOfItsOwnPlugin

[fercli.exporters]
copies = fercli_faulty.exporters:Copies
copies-into-a-folder = fercli_faulty.exporters:CopiesIntoAFolder
writes-nothing = fercli_faulty.exporters:WritesNothing
raises-in-write = fercli_faulty.exporters:RaisesInWrite
leaves-in-write = fercli_faulty.exporters:LeavesInWrite
misshapen = fercli_faulty.exporters:Misshapen
not-numbers = fercli_faulty.exporters:NotNumbers
described-in-words = fercli_faulty.exporters:DescribedInWords
no-exporter = fercli_faulty:NoPlugin
"""


class NoPlugin:
    """Has nothing that a plugin has."""


def wait() -> None:
    """Says so, and waits for ever."""
    sys.stderr.write("WAITING\n")
    sys.stderr.flush()
    threading.Event().wait()
