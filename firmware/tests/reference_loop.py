"""The fixed piece of work that `tick` measures the control part by. Plain MicroPython.

One iteration does what control code does: calls of methods, attributes, array elements, small
integers, comparisons, a branch that is taken every other time. It allocates nothing.
"""

from array import array


class Part:
    def __init__(self):
        self.value = array("i", [0] * 8)
        self.total = 0
        self.state = "ok"

    def step(self, i, current_ma):
        value = self.value
        value[i] = (value[i] * 3 + current_ma) // 4
        if value[i] > 500 and self.state == "ok":
            self.total = min(self.total + value[i], 1 << 20)
        else:
            self.total = max(self.total - 7, 0)
        return self.total


def run(iterations):
    part = Part()
    for k in range(iterations):
        part.step(k & 7, k & 1023)
    return part.total
