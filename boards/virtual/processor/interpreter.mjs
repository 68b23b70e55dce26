// The official WebAssembly MicroPython with the ESP8266's memory: a heap of 38 KiB that cannot
// grow.

const PACKAGE = "../node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs";

// The C side needs some memory of its own for strings that pass between JavaScript and Python. It
// must be less than the heap: MicroPython grows by at least the heap's present size, so a smaller
// block cannot become heap.
const C_RESERVE_BYTES = 24 * 1024;

/** Load MicroPython; `heapBytes` is all the heap there will ever be. Images are addresses of read-only memory. */
export async function loadInterpreter({ heapBytes, images, onOutput }) {
  // The package reports each refused growth on the console; a full heap is the firmware's
  // MemoryError, no more.
  const report = console.error;
  console.error = (...words) => /grow/i.test(String(words[0])) || report(...words);
  const { loadMicroPython } = await import(PACKAGE);
  const mp = await loadMicroPython({ heapsize: heapBytes, linebuffer: false, stdout: onOutput });
  const module = mp._module;
  const addresses = images.map((image) => {
    const address = module._malloc(image.length);
    module.HEAPU8.set(image, address);
    return address;
  });
  forbidGrowth(module);
  return { mp, memory: module.HEAPU8, addresses };
}

function forbidGrowth(module) {
  WebAssembly.Memory.prototype.grow = () => {
    throw new RangeError("the ESP8266 has no more memory to grow into");
  };
  const reserve = module._malloc(C_RESERVE_BYTES);
  for (let size = 1 << 20; size >= 1024; size >>= 1) while (module._malloc(size) !== 0);
  module._free(reserve);
}
