// Times, on one interpreter: the reference loop, ticks of the node whose window takes no time, and
// whatever else is handed in. Prints {name: microseconds an iteration}, each the least of several runs,
// the conversions of a window and the time it takes on the bus, and the period of the ticks. A tick is
// the mean over a second, of which one has the work that is done once a second; `longest` is that one.
//
//     node tools/benches/tick.mjs RUNS [folder of more .py files with run(iterations)]

import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SECONDS = 20;
const [runs, more] = process.argv.slice(2);
const { loadMicroPython } = await import(
  join(root, "boards/virtual/node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs")
);

const SETUP = `
import sys
sys.path[:0] = ["/", "/tests"]
import time
import fakes, link_board, reference_loop
from node import app
from node.sensing import ads1115
from node.sensing.rms import TrueRms

hardware = fakes.Hardware(fakes.QuietConverter(fakes.Time()))
node = app.App(fakes.configuration(), None, hardware)
node.start()
window = node.sensors[0]._adc.window = link_board.Window()
# The chip's counters are C functions. The one that has to tell this time is called once a tick.
node._ticks_us, node._ticks_diff = time.ticks_us, time.ticks_diff
node.clock._ticks_diff = time.ticks_diff
rms = node.sensors[0]._rms

# Its bus and its sleep are functions of C on the chip: what these cost here is subtracted.
def transfer(_address, _bytes):
    pass
def sleep(_us):
    pass
paced = fakes.Hardware(fakes.Converter(fakes.Time()))
driver = ads1115.Ads1115(paced.i2c, paced.time)
driver.measure_rate()
began_us = paced.time.now_us
cycle = TrueRms(50, driver.conversion_ns)
assert driver.window(0, cycle)
window_us = paced.time.now_us - began_us
driver._read, driver._sleep_us = transfer, sleep
driver._ticks_us, driver._ticks_diff = time.ticks_us, time.ticks_diff
def tick():
    hardware.time.pass_ms(node.tick_ms)
    node.tick()
def empty():
    hardware.time.pass_ms(node.tick_ms)
    hardware.time.ticks_ms()
    window(0, rms)
def conversions(count):
    for _ in range(count):
        driver._collect(rms, time.ticks_us())
def transfers(count):
    for _ in range(count):
        for _ in range(rms.count):
            transfer(0, None)
            sleep(0)
def add(count):
    for _ in range(count):
        rms.add(13_400)
for _ in range(200):
    tick()
assert all(state == "ok" for state in node.readings.state), node.readings.state
`;

function copy(fs, folder, to) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) {
      if (!["cpython", "properties", "__pycache__"].includes(name)) copy(fs, path, `${to}/${name}`);
    } else if (name.endsWith(".py")) {
      fs.mkdirTree(to);
      fs.writeFile(`${to}/${name}`, readFileSync(path));
    }
  }
}

const python = await loadMicroPython({ heapsize: 4 << 20 });
copy(python.FS, join(root, "firmware/node"), "/node");
copy(python.FS, join(root, "firmware/tests"), "/tests");
python.runPython(SETUP);
// Some milliseconds each: the least of many short runs is one that nothing else disturbed.
const work = { reference: ["reference_loop.run", 2000] };
for (const name of ["conversions", "transfers"]) work[name] = [name, 20];
work.add = ["add", 400];
if (more) {
  copy(python.FS, more, "/more");
  python.runPython('sys.path.append("/more")');
  for (const name of readdirSync(more)) {
    const module = name.replace(".py", "");
    python.runPython(`import ${module}`);
    work[module] = [`${module}.run`, 500];
  }
}

/** One call each, so that the least of them is that of the same place in a second. */
function timeEach(name, least) {
  const call = python.globals.get(name);
  for (let k = 0; k < least.length; k++) {
    const began = performance.now();
    call();
    least[k] = Math.min(least[k], (performance.now() - began) * 1000);
  }
}

const tick_ms = python.globals.get("node").tick_ms;
const aSecond = () => Array(1000 / tick_ms).fill(Infinity);
const each = { tick: aSecond(), empty: aSecond() };
const least = Object.fromEntries(Object.keys(work).map((name) => [name, Infinity]));
for (let k = 0; k < Number(runs); k++) {
  for (const [name, [call, count]] of Object.entries(work)) {
    const code = `${call}(${count})`;
    const began = performance.now();
    python.runPython(code);
    least[name] = Math.min(least[name], ((performance.now() - began) * 1000) / count);
  }
  // As the reference's iterations do, ticks follow each other: none is the first after something else.
  for (const [name, places] of Object.entries(each)) {
    for (let second = 0; second < SECONDS; second++) timeEach(name, places);
  }
}
const mean = (values) => values.reduce((sum, value) => sum + value) / values.length;
const ticks = { tick: mean(each.tick), longest: Math.max(...each.tick), empty: mean(each.empty) };
const window = { count: python.globals.get("rms").count, window_us: python.globals.get("window_us") };
console.log(JSON.stringify({ ...least, ...ticks, ...window, tick_ms }));
