// The two pipes to the parent process, which is the rest of the board. One JSON document a line;
// bytes travel as Latin-1 strings. The parent gives orders and waits for `done`; while one runs,
// the processor may call.

import fs from "node:fs";

const [FROM_PARENT, TO_PARENT] = process.argv.slice(2).map(Number); // the pipes' descriptors

export class Parent {
  constructor() {
    this.chunk = Buffer.alloc(1 << 16);
    this.pending = "";
  }

  send(message) {
    const line = Buffer.from(JSON.stringify(message) + "\n");
    for (let sent = 0; sent < line.length; ) sent += fs.writeSync(TO_PARENT, line, sent);
  }

  receive() {
    let end;
    while ((end = this.pending.indexOf("\n")) < 0) {
      const length = fs.readSync(FROM_PARENT, this.chunk);
      if (length === 0) process.exit(0); // the board is gone, and with it its processor
      this.pending += this.chunk.latin1Slice(0, length);
    }
    const line = this.pending.slice(0, end);
    this.pending = this.pending.slice(end + 1);
    return JSON.parse(line);
  }

  /** Ask the rest of the board, at simulated time `nowUs`; a reset is a call that never returns. */
  call(name, args, nowUs) {
    this.send({ call: name, args, t: nowUs });
    return this.receive();
  }
}
