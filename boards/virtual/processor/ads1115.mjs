// The ADS1115 at register level (TI datasheet SBAS444): configuration, conversion time with the
// part's own error, gain, channel switch, sign, saturation at the code range and at the supply.
//
// What the firmware relies on and the datasheet states: in continuous mode a new configuration
// takes effect when the conversion under way has finished; MODE = 1 then powers the part down;
// from power-down, a write with MODE = 0 or OS = 1 starts converting after a wake-up of about 25
// us.

const CONVERSION = 0;
const CONFIG = 1;
const CONFIG_AT_RESET = 0x8583;
const OS = 0x8000;
const MODE_SINGLE = 0x0100;
const WAKE_UP_US = 25;
const FULL_SCALE_VOLTS = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256];
const RATES_SPS = [8, 16, 32, 64, 128, 250, 475, 860];
const PAIRS = [[0, 1], [0, 3], [1, 3], [2, 3]]; // differential settings of the multiplexer

export class Ads1115 {
  /**
   * @param input (channel, fromUs, toUs) -> mean volts on that pin
   * @param isFrozen (channel) -> whether results for that pin stay as they are: an injected fault
   * @param rateError the part's oscillator error, -0.1 to 0.1; positive = faster
   */
  constructor({ input, isFrozen, noise, rateError = 0, supplyVolts = 3.3, noiseVolts = 60e-6 }) {
    if (Math.abs(rateError) > 0.1) throw new Error(`rateError ${rateError}: a part is within +-0.1`);
    Object.assign(this, { input, isFrozen, noise, rateError, supplyVolts, noiseVolts });
    this.pointer = CONVERSION;
    this.config = CONFIG_AT_RESET & ~OS;
    this.thresholds = [0x8000, 0x7fff];
    this.result = 0;
    this.lastCodes = new Map(); // by multiplexer setting
    this.conversionsRead = 0; // each once, however often it is read
    this.isUnread = false;
    this.startUs = null; // start of the conversion under way; null = powered down
    this.running = this.config; // the configuration of the conversion under way
  }

  write(bytes, nowUs) {
    this.#advance(nowUs);
    this.pointer = bytes[0] & 3;
    if (bytes.length < 3) return;
    const value = (bytes[1] << 8) | bytes[2];
    if (this.pointer === CONFIG) this.#configure(value, nowUs);
    else if (this.pointer >= 2) this.thresholds[this.pointer - 2] = value;
  }

  /** `length` bytes of the register that the pointer names, high byte first. */
  read(length, nowUs) {
    this.#advance(nowUs);
    const value = this.#register();
    return Array.from({ length }, (_, i) => (i < 2 ? (value >> (8 * (1 - i))) & 0xff : 0xff));
  }

  #register() {
    if (this.pointer === CONVERSION) {
      this.conversionsRead += this.isUnread ? 1 : 0;
      this.isUnread = false;
      return this.result & 0xffff;
    }
    if (this.pointer === CONFIG) return this.config | (this.startUs === null ? OS : 0);
    return this.thresholds[this.pointer - 2];
  }

  #configure(value, nowUs) {
    this.config = value & ~OS;
    if (this.startUs !== null) return; // takes effect after the conversion under way
    if (!(value & MODE_SINGLE) || value & OS) {
      this.running = this.config;
      this.startUs = nowUs + WAKE_UP_US;
    }
  }

  conversionUs(config) {
    return 1e6 / (RATES_SPS[(config >> 5) & 7] * (1 + this.rateError));
  }

  #advance(nowUs) {
    while (this.startUs !== null) {
      const lengthUs = this.conversionUs(this.running);
      const endUs = this.startUs + lengthUs;
      if (endUs > nowUs) return;
      const steady = this.running === this.config && !(this.config & MODE_SINGLE);
      // Nobody can read the results in between: go to the last one that has finished.
      const skipped = steady ? Math.floor((nowUs - endUs) / lengthUs) * lengthUs : 0;
      this.result = this.#convert(this.startUs + skipped, endUs + skipped);
      this.isUnread = true;
      this.startUs = this.config & MODE_SINGLE ? null : endUs + skipped;
      this.running = this.config;
    }
  }

  #convert(fromUs, toUs) {
    const mux = (this.running >> 12) & 7;
    const [plus, minus] = mux >= 4 ? [mux - 4, null] : PAIRS[mux];
    const frozen = this.isFrozen(plus) || (minus !== null && this.isFrozen(minus));
    if (!frozen || !this.lastCodes.has(mux)) this.lastCodes.set(mux, this.#code(plus, minus, fromUs, toUs));
    return this.lastCodes.get(mux);
  }

  #code(plus, minus, fromUs, toUs) {
    let volts = this.#pin(plus, fromUs, toUs) - (minus === null ? 0 : this.#pin(minus, fromUs, toUs));
    volts += this.noiseVolts * this.noise.normal();
    const code = Math.round((volts / FULL_SCALE_VOLTS[(this.running >> 9) & 7]) * 32768);
    return Math.max(-32768, Math.min(32767, code));
  }

  /** The protection diodes hold a pin between ground and supply. */
  #pin(channel, fromUs, toUs) {
    return Math.max(0, Math.min(this.supplyVolts, this.input(channel, fromUs, toUs)));
  }
}
