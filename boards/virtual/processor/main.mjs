// The processor of the virtual board: MicroPython, its clock, and the sensor bus, in one process.
// See ../README.md.
//
// Orders from the parent, each answered by {done, t, next, ...report}:
//   start   images, heap, sensors, converter, faults, times, control's cost -> interpreter up, boot.py and main.py run
//   run     until (us), changes -> timers run up to that time
//   serial  data -> typed into the REPL
//   fault   i2cErrors, i2cDead, overrunsUs -> what is broken from now on
//   work    -> work: processor time, callbacks and conversions read since the start
//   heap    -> heap: what the callbacks since the last time left and allocated (see heap.mjs)
// The report, which a reset carries too: what is left of the faults, and the watchdog.

import { Ads1115 } from "./ads1115.mjs";
import { Clock } from "./clock.mjs";
import { makeHardware } from "./hardware.mjs";
import { Ina226 } from "./ina226.mjs";
import { HeapWatch } from "./heap.mjs";
import { loadInterpreter } from "./interpreter.mjs";
import { Parent } from "./parent.mjs";
import { Noise, Waveforms } from "./waveform.mjs";

const BLOCK_BYTES = 16; // of the garbage collector
const SOFT_RESET = 0x100; // what the REPL returns for Ctrl-D on an empty line
const parent = new Parent();
const print = (bytes) => parent.send({ tx: Buffer.from(bytes).latin1Slice() });
const state = { dispatch: null, i2cErrors: 0, i2cDead: false };
const heapWatch = new HeapWatch();
let clock, waveforms, converter, mp, memInfo;
let onOutput = print; // what the interpreter prints goes there

const report = () => ({ i2cErrors: state.i2cErrors, overrunsUs: clock.overrunsUs, watchdog: clock.watchdog });
const reset = (cause) => parent.call("reset", [cause, report()], clock.nowUs);

async function start(order) {
  clock = new Clock({
    nowUs: order.t,
    chipStartUs: order.chipStartUs,
    watchdog: order.watchdog,
    controlUs: order.controlUs,
    onCallback: (id) => state.dispatch(id),
    onWatchdog: () => reset("wdt"),
  });
  fault(order.faults);
  waveforms = new Waveforms(order.plant);
  waveforms.apply(order.changes);
  const noise = new Noise(order.seed);
  const input = (...at) => waveforms.meanVolts(...at);
  const isFrozen = (channel) => waveforms.isFrozen(channel);
  converter = new Ads1115({ ...order.converter, noise, input, isFrozen });
  const images = [order.shims, order.romfs].map((image) => Buffer.from(image, "base64"));
  const interpreter = await loadInterpreter({ heapBytes: order.heapBytes, images, onOutput: (bytes) => onOutput(bytes) });
  mp = interpreter.mp;
  const devices = new Map([[order.converter.address, converter]]);
  for (const { address, channel, ...part } of order.shunts) {
    devices.set(address, new Ina226({ ...part, noise, ...inputOf(channel) }));
  }
  const hardware = makeHardware({ clock, parent, reset, waveforms, devices, memory: interpreter.memory, state });
  mp.registerJsModule("_board", { ...hardware, heap_mark: (moment, bytes) => heapWatch.mark(moment, bytes) });
  mp.runPython(mountShims(interpreter.addresses, images));
  // Each of these is a call of its own, because the heap is collected only between calls.
  mp.pyimport("board_gc").fill_pools(countNames());
  const shimNames = countNames();
  memInfo = mp.pyimport("micropython").mem_info;
  if (order.watchHeap) mp.pyimport("board_gc").watch();
  mp.pyimport("board_gc").take_baseline();
  for (const file of order.files) mp.pyimport("start").run(file);
  mp.pyimport("board_gc").settle(shimNames, countNames());
  mp.replInit();
  return {};
}

/** What an INA226 sees of its shunt, and the faults that it shows. */
function inputOf(channel) {
  return {
    input: (fromUs, toUs) => waveforms.meanVolts(channel, fromUs, toUs),
    isAbsent: () => waveforms.isAbsent(channel),
    isFrozen: () => waveforms.isFrozen(channel),
  };
}

/** How many names have been interned since the interpreter's start; it only prints that. */
function countNames() {
  const text = outputOf(() => mp.runPython("import micropython\nmicropython.qstr_info()"));
  return Number(/n_qstr=(\d+)/.exec(text)[1]);
}

/** What a call prints, instead of printing it. */
function outputOf(call) {
  let text = "";
  onOutput = (bytes) => (text += Buffer.from(bytes).latin1Slice());
  call();
  onOutput = print;
  return text;
}

/** The shims and the board's ROMFS partition are read where they lie, outside the heap, as flash is on the chip. */
function mountShims([shims, romfs], [shimsImage, romfsImage]) {
  return `
import sys, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(${shims}, ${shimsImage.length})), "/shims")
sys.path.insert(0, "/shims")
import start
start.board(${romfs}, ${romfsImage.length})
`;
}

function serial({ data }) {
  let last = 0;
  for (const byte of Buffer.from(data, "latin1")) {
    last = mp.replProcessChar(byte);
    if (last === SOFT_RESET) return { softReset: true };
  }
  return {};
}

function run({ until, changes }) {
  waveforms.apply(changes);
  clock.runUntil(until);
  waveforms.forgetBefore(clock.nowUs - 1e6);
  return {};
}

function fault({ i2cErrors, i2cDead, overrunsUs }) {
  Object.assign(state, { i2cErrors, i2cDead });
  clock.overrunsUs = overrunsUs;
  return {};
}

/** Asked between callbacks, of functions that were made before the firmware came: it changes nothing on the heap. */
function heap() {
  const blocks = Number(/max free sz: (\d+)/.exec(outputOf(memInfo))[1]);
  return { heap: { ...heapWatch.take(), largestFree: blocks * BLOCK_BYTES } };
}

function work() {
  const { user, system } = process.cpuUsage();
  return { work: { processor_s: (user + system) / 1e6, callbacks: clock.callbacks, conversions: converter.conversionsRead } };
}

const orders = { start, run, serial, fault, heap, work };

for (;;) {
  const order = parent.receive();
  const outcome = await orders[order.op](order);
  parent.send({ done: order.op, t: clock.nowUs, next: clock.nextTimer()?.nextUs ?? null, ...report(), ...outcome });
}
