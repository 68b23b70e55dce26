// Simulated time of one board, its timers and its watchdog.
//
// Time never flows by itself: it is advanced by what costs time on the chip (`charge`), by
// sleeping, and by running on to the next timer. Real time is the same clock, held back by the
// parent to the speed of the wall's.

const CALL_US = 10; // one call into the hardware: a clock read, a pin
const SCHEDULER_DEPTH = 4; // MicroPython's queue of pending callbacks on the ESP8266; more are dropped
const WDT_TICK_US = 1_600_000; // the soft watchdog looks twice, 1.6 s apart, and resets at the second look
const RELOAD_US = 1; // a timer that is stopped within its own callback is gone at once

export class Clock {
  /**
   * `nowUs` is the board's time; `chipStartUs` when the chip started; `watchdog` as it was before a soft reboot;
   * `controlUs` what the Python of one timer callback costs.
   */
  constructor({ nowUs, chipStartUs, watchdog, controlUs, onCallback, onWatchdog }) {
    this.nowUs = nowUs;
    this.chipStartUs = chipStartUs;
    this.controlUs = controlUs;
    this.timers = new Map();
    this.inCallback = false;
    this.callbacks = 0;
    this.stepCharged = false;
    this.overrunsUs = []; // injected: extra cost of the coming callbacks
    this.watchdog = watchdog; // {startUs, resetUs}; null = not made
    this.onCallback = onCallback;
    this.onWatchdog = onWatchdog;
  }

  charge(us = CALL_US) {
    this.nowUs += us;
    if (this.watchdog !== null && this.nowUs >= this.watchdog.resetUs) {
      this.nowUs = this.watchdog.resetUs;
      this.onWatchdog();
    }
  }

  /** The part of a callback that decides has to be paid for before its outcome can reach a pin. */
  chargeControlStep() {
    if (!this.inCallback || this.stepCharged) return;
    this.stepCharged = true;
    this.charge(this.controlUs + (this.overrunsUs.shift() ?? 0));
  }

  startTimer(id, periodUs, periodic) {
    const period = Math.max(periodUs, RELOAD_US);
    this.timers.set(id, { id, period, periodic, nextUs: this.nowUs + period });
  }

  stopTimer(id) {
    this.timers.delete(id);
  }

  /** What the chip's own counters count from: its start, not that of the interpreter. */
  get sinceStartUs() {
    return this.nowUs - this.chipStartUs;
  }

  startWatchdog() {
    this.watchdog = { startUs: this.nowUs, resetUs: this.nowUs + 2 * WDT_TICK_US };
  }

  feedWatchdog() {
    if (this.watchdog === null) return;
    const ticks = Math.floor((this.nowUs - this.watchdog.startUs) / WDT_TICK_US);
    this.watchdog.resetUs = this.watchdog.startUs + (ticks + 2) * WDT_TICK_US;
  }

  nextTimer() {
    let next = null;
    for (const timer of this.timers.values()) if (next === null || timer.nextUs < next.nextUs) next = timer;
    return next;
  }

  /** Run timers until `untilUs`; a callback under way at that time is finished, so time may end a little later. */
  runUntil(untilUs) {
    for (;;) {
      const timer = this.inCallback ? null : this.nextTimer();
      if (timer === null || timer.nextUs > untilUs || this.nowUs > untilUs) break;
      this.#sleepUntil(timer.nextUs);
      this.#fire(timer);
    }
    this.#sleepUntil(untilUs);
  }

  #sleepUntil(tUs) {
    if (tUs > this.nowUs) this.charge(tUs - this.nowUs);
  }

  #fire(timer) {
    if (timer.periodic) timer.nextUs += timer.period;
    else this.timers.delete(timer.id);
    this.inCallback = true;
    this.stepCharged = false;
    this.callbacks += 1;
    this.onCallback(timer.id);
    this.chargeControlStep();
    this.inCallback = false;
    while (this.nowUs - timer.nextUs > SCHEDULER_DEPTH * timer.period) timer.nextUs += timer.period;
  }
}
