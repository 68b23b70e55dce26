"""What the suite runs against: a virtual board in simulated time, or a real one on a rig.

``interface`` is what a test may ask of either; ``virtual`` and ``real`` give it. A test that needs
more than that, such as a cut at a certain write of flash, says so with the marker ``virtual``.
"""
