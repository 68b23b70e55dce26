// What the sensors see: the plant's currents as voltages on the converter's pins, inputs 0 to 3, and
// over the shunts of direct current, inputs 4 to 7.
//
// The plant (plant.py) owns loads and contacts and announces their changes with a time stamp,
// possibly ahead of time; here they are only evaluated. Every value asked for is a mean over an
// interval, because the converter is a delta-sigma part: a conversion is the mean of its input
// over the conversion time.

const SQRT2 = Math.SQRT2;

/** A value that changes in steps: `at` is kept for the present and the announced future. */
class Steps {
  constructor(value) {
    this.steps = [[-Infinity, value]];
  }

  /** From `atUs` on the value is `value`; a later announcement replaces what was announced for after it. */
  set(atUs, value) {
    while (this.steps.length > 1 && this.steps.at(-1)[0] >= atUs) this.steps.pop();
    this.steps.push([atUs, value]);
  }

  forgetBefore(tUs) {
    while (this.steps.length > 1 && this.steps[1][0] <= tUs) this.steps.shift();
  }

  at(tUs) {
    for (let i = this.steps.length - 1; i >= 0; i--) {
      if (this.steps[i][0] <= tUs) return this.steps[i][1];
    }
    return this.steps[0][1];
  }
}

/** Small, fast, seeded generator (mulberry32) with normal deviates, so that noise repeats with the seed. */
export class Noise {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  uniform() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  }

  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}

/** `harmonics` is a list of [order, share, phase in rad]; scaled so that a load of 1 A is 1 A RMS. */
function unitWave(harmonics) {
  const power = harmonics.reduce((sum, [, share]) => sum + share * share, 0);
  const scale = SQRT2 / Math.sqrt(power);
  return harmonics.map(([order, share, phase]) => [order, share * scale, phase]);
}

/** A current of 1 A RMS made of harmonics. */
class Harmonics {
  constructor(harmonics, omega, phaseRad) {
    Object.assign(this, { harmonics: unitWave(harmonics), omega, phaseRad });
  }

  /** In ampere-microseconds. */
  integral(fromUs, toUs) {
    let integral = 0;
    for (const [order, share, phase] of this.harmonics) {
      const w = order * this.omega;
      const offset = order * this.phaseRad + phase;
      integral += (share * (Math.cos(w * fromUs + offset) - Math.cos(w * toUs + offset))) / w;
    }
    return integral;
  }
}

/** One measured cycle, over and over: samples at equal distances, each held until the next; mean 0, RMS 1 A. */
class Cycle {
  constructor(samples, omega, phaseRad) {
    Object.assign(this, { samples, omega, phaseRad });
    this.sums = [0]; // of the samples before each
    for (const sample of samples) this.sums.push(this.sums.at(-1) + sample);
  }

  integral(fromUs, toUs) {
    const sampleUs = (2 * Math.PI) / this.omega / this.samples.length;
    return (this.#sumUntil(toUs) - this.#sumUntil(fromUs)) * sampleUs;
  }

  /** Of whole cycles nothing is left, because their mean is 0. */
  #sumUntil(tUs) {
    const turns = (this.omega * tUs + this.phaseRad) / (2 * Math.PI);
    const at = (turns - Math.floor(turns)) * this.samples.length;
    const k = Math.min(Math.floor(at), this.samples.length - 1);
    return this.sums[k] + (at - k) * this.samples[k];
  }
}

/** One current transformer on one converter input, around one circuit's wire or around several. */
class Sensor {
  constructor({ ctAmpsPerVolt, shuntOhms, mainsHz, phaseRad, biasVolts, harmonics }) {
    this.ctAmpsPerVolt = ctAmpsPerVolt;
    this.shuntOhms = shuntOhms;
    this.omega = 2e-6 * Math.PI * mainsHz; // rad per microsecond
    this.phaseRad = phaseRad;
    this.biasVolts = biasVolts;
    this.loadAmps = new Steps(0);
    this.contactClosed = new Steps(0);
    this.fault = "none"; // none, unplugged, stuck, frozen, saturated
    this.stuckVolts = biasVolts;
    this.wave = new Harmonics(harmonics, this.omega, phaseRad);
    this.passes = []; // other circuits' sensors, whose currents pass through this one, too
  }

  /** From now on its load has the shape of a measured cycle. */
  playCycle(samples) {
    this.wave = new Cycle(samples, this.omega, this.phaseRad);
  }

  /** Mean voltage on the pin between two times, in volts, before noise. */
  meanVolts(fromUs, toUs) {
    if (this.fault === "unplugged") return 0; // the pull-down holds the pin: the bias comes through the CT
    if (this.fault === "stuck") return this.stuckVolts;
    if (this.fault === "saturated") {
      return this.biasVolts + (1000 * this.integralOfUnitLoad(fromUs, toUs)) / (toUs - fromUs) / this.ctAmpsPerVolt;
    }
    const passing = [this, ...this.passes].reduce((sum, sensor) => sum + sensor.meanAmps(fromUs, toUs), 0);
    return this.biasVolts + passing / this.ctAmpsPerVolt;
  }

  meanAmps(fromUs, toUs) {
    let integral = 0;
    let start = fromUs;
    for (const end of this.#breaksWithin(fromUs, toUs)) {
      const amps = this.loadAmps.at(start) * this.contactClosed.at(start);
      if (amps !== 0) integral += amps * this.integralOfUnitLoad(start, end);
      start = end;
    }
    return integral / (toUs - fromUs);
  }

  #breaksWithin(fromUs, toUs) {
    const inside = (step) => step[0] > fromUs && step[0] < toUs;
    const breaks = [...this.loadAmps.steps, ...this.contactClosed.steps].filter(inside).map((s) => s[0]);
    breaks.sort((a, b) => a - b).push(toUs);
    return breaks;
  }

  /** A load of 1 A is a wave of 1 A RMS. */
  integralOfUnitLoad(fromUs, toUs) {
    return this.wave.integral(fromUs, toUs);
  }
}

/** A shunt in one direct-current circuit. */
class Shunt extends Sensor {
  meanVolts(fromUs, toUs) {
    if (this.fault === "stuck") return this.stuckVolts;
    if (this.fault === "saturated") return 1;
    return this.shuntOhms * this.meanAmps(fromUs, toUs);
  }

  integralOfUnitLoad(fromUs, toUs) {
    return toUs - fromUs;
  }
}

export class Waveforms {
  constructor({ mainsHz, biasVolts, sensors }) {
    this.sensors = sensors.map((s) => new (s.shuntOhms ? Shunt : Sensor)({ mainsHz, biasVolts, ...s }));
    this.sensors.forEach((sensor, i) => (sensor.passes = (sensors[i].passes ?? []).map((k) => this.sensors[k])));
  }

  meanVolts(channel, fromUs, toUs) {
    return this.sensors[channel].meanVolts(fromUs, toUs);
  }

  isAbsent(channel) {
    return this.sensors[channel].fault === "unplugged";
  }

  /** The converter holds this channel's code; what it would be does not matter then. */
  isFrozen(channel) {
    return this.sensors[channel].fault === "frozen";
  }

  /** Changes announced by the plant: `[channel, what, atUs, value]`. */
  apply(changes) {
    for (const [channel, what, atUs, value] of changes) {
      const sensor = this.sensors[channel];
      if (what === "load") sensor.loadAmps.set(atUs, value);
      else if (what === "contact") sensor.contactClosed.set(atUs, value);
      else if (what === "fault") sensor.fault = value;
      else if (what === "cycle") sensor.playCycle(value);
      else if (what === "stuck_volts") sensor.stuckVolts = value;
      else throw new Error(`plant: unknown change ${what}`);
    }
  }

  forgetBefore(tUs) {
    for (const sensor of this.sensors) {
      sensor.loadAmps.forgetBefore(tUs);
      sensor.contactClosed.forgetBefore(tUs);
    }
  }
}
