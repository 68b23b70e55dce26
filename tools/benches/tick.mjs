// Times, on one interpreter: the reference loop, ticks of the node whose window takes no time, and
// whatever else is handed in. Prints {name: microseconds an iteration}, each the least of several runs,
// and the period of the ticks.
//
//     node tools/benches/tick.mjs RUNS [folder of more .py files with run(iterations)]

import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
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

hardware = fakes.Hardware(fakes.QuietConverter(fakes.Time()))
node = app.App(fakes.configuration(), None, hardware)
node.start()
window = node.sensors[0]._adc.window = link_board.Window()
# The chip's counters are C functions. The one that has to tell this time is called twice a tick.
node._ticks_us, node._ticks_diff = time.ticks_us, time.ticks_diff
node.clock._ticks_diff = time.ticks_diff
def ticks(count):
    time = hardware.time
    for _ in range(count):
        time.pass_ms(node.tick_ms)
        node.tick()
def empty(count):
    time = hardware.time
    samples = node.sensors[0]._rms.samples
    for _ in range(count):
        time.pass_ms(node.tick_ms)
        time.ticks_ms()
        time.ticks_ms()
        window(0, samples)
def c_loops(count):
    samples = node.sensors[0]._rms.samples
    for _ in range(count):
        sum(samples)
        min(samples)
        max(samples)
def python_loops(count):
    samples = node.sensors[0]._rms.samples
    for _ in range(3 * count):
        total = 0
        for sample in samples:
            total += sample
ticks(200)
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
const work = { reference: ["reference_loop.run", 2000], tick: ["ticks", 20], empty: ["empty", 20] };
for (const name of ["c_loops", "python_loops"]) work[name] = [name, 100];
if (more) {
  copy(python.FS, more, "/more");
  python.runPython('sys.path.append("/more")');
  for (const name of readdirSync(more)) {
    const module = name.replace(".py", "");
    python.runPython(`import ${module}`);
    work[module] = [`${module}.run`, 500];
  }
}

const least = Object.fromEntries(Object.keys(work).map((name) => [name, Infinity]));
for (let k = 0; k < Number(runs); k++) {
  for (const [name, [call, count]] of Object.entries(work)) {
    const code = `${call}(${count})`;
    const began = performance.now();
    python.runPython(code);
    least[name] = Math.min(least[name], ((performance.now() - began) * 1000) / count);
  }
}
console.log(JSON.stringify({ ...least, tick_ms: python.globals.get("node").tick_ms }));
