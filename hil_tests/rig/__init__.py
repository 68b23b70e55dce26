"""The rig: a second MicroPython board that stands around a board under test.

``firmware`` runs on it, ``filter`` is what lies between its PWM pins and the converter, ``client``
talks to it. README.md has wiring, parts and limits.
"""
