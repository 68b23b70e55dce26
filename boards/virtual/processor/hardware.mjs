// What the Python shims see as the module `_board`: time, I2C and timers here, beside the
// interpreter; all else is asked of the parent process. Python hands over small integers and
// addresses of buffers, so a call allocates nothing. Functions that can fail return a negative
// errno, as the C drivers below the real modules do.

const I2C_BYTE_US = 95; // bit-banged by the ESP8266 at 160 MHz: 0.5 ms for the 5 bytes of a register read
const TICKS_PERIOD = 2 ** 30; // MicroPython's ticks are small ints
const ENODEV = 19;
const ETIMEDOUT = 110;

const wrap = (ticks) => Math.floor(ticks) % TICKS_PERIOD;

export function makeHardware({ clock, parent, reset, waveforms, devices, memory, state }) {
  const latin1 = (address, length) => Buffer.from(memory.buffer, address, length).latin1Slice();

  function ask(name, ...args) {
    clock.charge();
    const reply = parent.call(name, args, clock.nowUs);
    if (reply.changes) waveforms.apply(reply.changes);
    if (reply.us) clock.charge(reply.us);
    return reply.r;
  }

  /** For calls that answer with bytes: copy them to where Python wants them, return how many. */
  function askInto(address, name, ...args) {
    const bytes = ask(name, ...args);
    if (typeof bytes === "number") return bytes;
    memory.set(Buffer.from(bytes, "latin1"), address);
    return bytes.length;
  }

  /** One transaction on the bus; every byte, the address included, costs its time. */
  function transfer(deviceAddress, bytes, work) {
    clock.charge(I2C_BYTE_US * (1 + bytes));
    if (state.i2cErrors > 0) {
      state.i2cErrors -= 1;
      return -ETIMEDOUT;
    }
    const device = devices.get(deviceAddress);
    return device === undefined || device.absent || state.i2cDead ? -ENODEV : work(device);
  }

  function startWatchdog() {
    if (clock.watchdog !== null) return; // made once, it runs on
    clock.startWatchdog();
    ask("watchdog_made", clock.watchdog.startUs, clock.watchdog.resetUs);
  }

  return {
    ticks_ms: () => (clock.charge(), wrap(clock.sinceStartUs / 1000)),
    ticks_us: () => (clock.charge(), wrap(clock.sinceStartUs)),
    uptime_s: () => Math.floor(clock.sinceStartUs / 1e6),
    sleep_us: (us) => clock.runUntil(clock.nowUs + us),

    i2c_write: (device, address, length) =>
      transfer(device, length, (part) => (part.write(memory.slice(address, address + length), clock.nowUs), length)),
    i2c_read: (device, address, length) =>
      transfer(device, length, (part) => (memory.set(part.read(length, clock.nowUs), address), length)),

    reset,
    on_timer: (dispatch) => void (state.dispatch = dispatch),
    timer_start: (id, periodMs, periodic) => clock.startTimer(id, periodMs * 1000, periodic),
    timer_stop: (id) => clock.stopTimer(id),
    wdt_start: startWatchdog,
    wdt_feed: () => clock.feedWatchdog(),

    pin_mode: (pin, output, value) => ask("pin_mode", pin, output, value),
    pin_write: (pin, value) => (clock.chargeControlStep(), ask("pin_write", pin, value)),
    pin_read: (pin) => ask("pin_read", pin),

    call: (name, a, b, c) => ask(name, a, b, c),
    send: (name, handle, address, length) => ask(name, handle, latin1(address, length)),
    receive: (name, handle, address, length) => askInto(address, name, handle, length),
    text: (name, a, b) => ask(name, a, b),
  };
}
