// Runs the unit tests on real MicroPython: the WebAssembly build that the virtual board uses.
//
//     node firmware/tests/run_micropython.mjs [test_name ...]
//
// One fresh interpreter a test file, in a process of its own, because its globals are shared. Exits
// non-zero when a test fails, a file does not load, or nothing ran at all.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const firmware = dirname(here);
const interpreter = join(
  firmware,
  "../boards/virtual/node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs",
);

function pythonFiles(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === "cpython" ? [] : pythonFiles(path);
    return name.endsWith(".py") ? [path] : [];
  });
}

function copyInto(fs, folder) {
  for (const path of pythonFiles(folder)) {
    const inside = "/" + relative(firmware, path);
    fs.mkdirTree(dirname(inside));
    fs.writeFile(inside, readFileSync(path));
  }
}

// Counts come back as a line of their own: what the framework prints is for people.
const program = (name) => `
import sys
sys.path[:0] = ["/", "/tests"]
import unittest
suite = unittest.TestSuite()
suite._load_module(__import__("${name}"))
result = unittest.TextTestRunner().run(suite)
print("RAN", result.testsRun, result.failuresNum + result.errorsNum, result.skippedNum)
`;

async function runOne(name) {
  const { loadMicroPython } = await import(interpreter);
  const python = await loadMicroPython({ heapsize: 4 << 20 });
  copyInto(python.FS, join(firmware, "node"));
  copyInto(python.FS, here);
  python.runPython(program(name));
}

// A crash of the interpreter quotes its whole source, in lines of 100 KB.
const readable = (text) => text.split("\n").filter((line) => line.length < 300).join("\n");

/** Runs one test file in a process of its own; gives its counts and what it printed. */
function runApart(name) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--one", name]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  return new Promise((resolve) => {
    child.on("close", (status) => {
      const counts = /^RAN (\d+) (\d+) (\d+)$/m.exec(output);
      const [ran, failed, skipped] = counts ? counts.slice(1).map(Number) : [0, 1, 0];
      resolve({ name, ran, failed, skipped, output, good: status === 0 && failed === 0 && ran > 0 });
    });
  });
}

async function runAll(names) {
  const total = { ran: 0, failed: 0, skipped: 0 };
  const waiting = [...names];
  const worker = async () => {
    while (waiting.length) {
      const { name, ran, failed, skipped, output, good } = await runApart(waiting.shift());
      console.log(`${good ? "ok  " : "FAIL"} ${name}: ${ran} ran, ${failed} failed, ${skipped} skipped`);
      if (!good) console.log(readable(output));
      total.ran += ran - skipped;
      total.failed += good ? 0 : Math.max(failed, 1);
      total.skipped += skipped;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  console.log(`MicroPython: ${total.ran} ran, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.ran > 0 ? 0 : 1;
}

const given = process.argv.slice(2);
if (given[0] === "--one") {
  await runOne(given[1]);
} else {
  // test_imports reads syntax trees and test_boot TOML, which only CPython can.
  const found = readdirSync(here).filter((name) => /^test_(?!imports|boot).*\.py$/.test(name));
  const names = given.length ? given : found.map((name) => basename(name, ".py")).sort();
  process.exitCode = await runAll(names);
}
