// The INA226 at register level (TI datasheet SBOS547): a mean of the shunt's voltage over all its
// averages, the flags CVRF and OVF, the registers that are computed from others, its identity.
//
// What the firmware relies on and the datasheet states: writing the configuration ends the
// conversion under way and starts a new one; a result appears when all averages are done and sets
// CVRF; reading the mask/enable register clears it; a part that had no power is back at 0x4127.
// The bus voltage is not wired and reads 0.

const CONFIGURATION = 0;
const SHUNT_VOLTAGE = 1;
const CURRENT = 4;
const CALIBRATION = 5;
const MASK_ENABLE = 6;
const ALERT_LIMIT = 7;
const AT_RESET = { [CONFIGURATION]: 0x4127, [CALIBRATION]: 0, [MASK_ENABLE]: 0, [ALERT_LIMIT]: 0 };
const IDENTITY = { 0xfe: 0x5449, 0xff: 0x2260 };
const RESET = 0x8000;
const ALWAYS_SET = 0x4000;
const READY = 0x08;
const OVERFLOW = 0x04;
const FLAGS = 0x1c; // AFF, CVRF, OVF: set by the part
const AVERAGES = [1, 4, 16, 64, 128, 256, 512, 1024];
const CONVERSION_US = [140, 204, 332, 588, 1100, 2116, 4156, 8244];
const COUNT_VOLTS = 2.5e-6;

const clamped = (count) => Math.max(-32768, Math.min(32767, count));

export class Ina226 {
  /**
   * @param input (fromUs, toUs) -> mean volts over the shunt
   * @param isAbsent () -> nothing is at its address: an injected fault
   * @param isFrozen () -> it has stopped converting: an injected fault
   * @param rateError of its oscillator, -0.1 to 0.1; positive = faster
   */
  constructor({ input, isAbsent, isFrozen, noise, rateError = 0, noiseVolts = 0 }) {
    Object.assign(this, { input, isAbsent, isFrozen, noise, rateError, noiseVolts });
    this.pointer = CONFIGURATION;
    this.#reset(0);
  }

  get absent() {
    return this.isAbsent();
  }

  write(bytes, nowUs) {
    this.#advance(nowUs);
    this.pointer = bytes[0];
    if (bytes.length < 3) return;
    const value = (bytes[1] << 8) | bytes[2];
    if (this.pointer === CONFIGURATION) this.#configure(value, nowUs);
    else if (this.pointer === MASK_ENABLE) this.registers[MASK_ENABLE] = value & ~FLAGS;
    else if (this.pointer === CALIBRATION) this.registers[CALIBRATION] = value & 0x7fff;
    else if (this.pointer === ALERT_LIMIT) this.registers[ALERT_LIMIT] = value;
  }

  /** `length` bytes of the register that the pointer names, high byte first. */
  read(length, nowUs) {
    this.#advance(nowUs);
    const value = this.#register();
    if (this.pointer === MASK_ENABLE) this.flags &= ~READY;
    return Array.from({ length }, (_, i) => (i < 2 ? (value >> (8 * (1 - i))) & 0xff : 0xff));
  }

  #register() {
    if (this.pointer in IDENTITY) return IDENTITY[this.pointer];
    if (this.pointer === SHUNT_VOLTAGE) return this.count & 0xffff;
    if (this.pointer === CURRENT) return clamped(this.#current()) & 0xffff;
    if (this.pointer === MASK_ENABLE) return this.registers[MASK_ENABLE] | this.flags;
    return this.registers[this.pointer] ?? 0;
  }

  #current() {
    return Math.trunc((this.count * this.registers[CALIBRATION]) / 2048);
  }

  #reset(nowUs) {
    this.registers = { ...AT_RESET };
    this.flags = 0;
    this.count = 0;
    this.startUs = nowUs;
  }

  #configure(value, nowUs) {
    if (value & RESET) return this.#reset(nowUs);
    this.registers[CONFIGURATION] = (value & 0x0fff) | ALWAYS_SET;
    this.flags &= ~READY;
    this.startUs = value & 3 ? nowUs : null;
  }

  /** All averages of what the mode measures; the shunt is measured before the bus. */
  #cycleUs() {
    const configuration = this.registers[CONFIGURATION];
    const shunt = configuration & 1 ? CONVERSION_US[(configuration >> 3) & 7] : 0;
    const bus = configuration & 2 ? CONVERSION_US[(configuration >> 6) & 7] : 0;
    return (AVERAGES[(configuration >> 9) & 7] * (shunt + bus)) / (1 + this.rateError);
  }

  #advance(nowUs) {
    if (this.startUs === null) return;
    const cycleUs = this.#cycleUs();
    const cycles = Math.floor((nowUs - this.startUs) / cycleUs);
    if (cycles < 1 || this.isFrozen()) return;
    // Nobody can read the results in between: go to the last one that has finished.
    const endUs = this.startUs + cycles * cycleUs;
    if (this.registers[CONFIGURATION] & 1) this.#convert(endUs - cycleUs, endUs);
    this.startUs = this.registers[CONFIGURATION] & 4 ? endUs : null;
  }

  #convert(fromUs, toUs) {
    const volts = this.input(fromUs, toUs) + this.noiseVolts * this.noise.normal();
    this.count = clamped(Math.round(volts / COUNT_VOLTS));
    const overflows = clamped(this.#current()) !== this.#current();
    this.flags = READY | (overflows ? OVERFLOW : 0);
  }
}
