// What the firmware's callbacks leave on the heap and allocate on it, counted from outside: the
// shims call `mark` at a callback's start, when it feeds the watchdog (the control part of a tick is
// over then), and at its end. Garbage is collected between callbacks only, so the difference of two
// marks is all that was allocated between them.

const START = 0;
const FED = 1;

export class HeapWatch {
  constructor() {
    this.startBytes = 0;
    this.#clear();
  }

  mark(moment, bytes) {
    if (moment === START) {
      this.startBytes = bytes;
      this.live = Math.min(this.live, bytes);
      this.highestLive = Math.max(this.highestLive, bytes);
    } else if (moment === FED) {
      this.control = Math.max(this.control, bytes - this.startBytes);
    } else {
      this.callbacks += 1;
      this.garbage = Math.max(this.garbage, bytes - this.startBytes);
    }
  }

  /** What was seen since the last time: bytes live between callbacks (least and most), and allocated by one. */
  take() {
    const { callbacks, live, highestLive, control, garbage } = this;
    this.#clear();
    return { callbacks, live, highestLive, control, garbage };
  }

  #clear() {
    this.callbacks = 0;
    this.live = Infinity;
    this.highestLive = 0;
    this.control = 0;
    this.garbage = 0;
  }
}
