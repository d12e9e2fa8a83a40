// Loads traces into the trace processor and asks it.

import fs from 'node:fs';
import {startEngine, TpError} from './engine.mjs';
import {Framing} from './framing.mjs';
import {Reader, utf8, Writer} from './protobuf.mjs';

const METHOD = {APPEND: 1, FINALIZE: 2, QUERY: 3, RESET: 11};

export class TraceProcessor {
  #e; #seq = 0; #scratch;

  static async start(dist) {
    const tp = new TraceProcessor();
    tp.#e = await startEngine(dist);
    return tp;
  }
  // One request; gives the decoded TraceProcessorRpc replies.
  #call(method, argField, arg) {
    const msg = new Writer().int(1, this.#seq++).int(2, method);
    if (argField) msg.bytes(argField, arg);
    const n = msg.size, head = new Writer().int(0, n).done().subarray(1);
    const total = 1 + head.length + n;
    if (!this.#scratch || this.#scratch.length < total) this.#scratch = new this.#e.U8(total);
    const s = this.#scratch;
    s[0] = 0x0a; s.set(head, 1); msg.copyTo(s, 1 + head.length);
    const out = [];
    for (const buf of this.#e.send(s.subarray(0, total))) {
      new Reader(buf).each((f, w, v) => {
        if (f !== 1 || w !== 2) throw new TpError('engine', 'RPC framing');
        const m = {buf};
        new Reader(buf, v[0], v[1]).each((f2, w2, v2) => {
          if (f2 === 5) m.fatal = utf8.decode(buf.subarray(v2[0], v2[1]));
          else if (f2 === 3) m.response = v2;
          else if (f2 === 4) m.invalid = v2;
          else if (f2 > 200) { m.argField = f2; m.arg = v2; }
        });
        if (m.fatal) throw new TpError('engine', m.fatal);
        if (m.invalid !== undefined) throw new TpError('engine', `method ${m.invalid} is not known to this engine`);
        out.push(m);
      });
    }
    if (!out.length) throw new TpError('engine', `no reply to method ${method}`);
    return out;
  }
  #error(replies, argField, errField) {
    for (const m of replies) {
      if (m.argField !== argField) continue;
      let err;
      new Reader(m.buf, m.arg[0], m.arg[1]).each((f, w, v) => {
        if (f === errField && w === 2) err = utf8.decode(m.buf.subarray(v[0], v[1]));
      });
      if (err) return err;
    }
  }

  append(bytes) {
    const err = this.#error(this.#call(METHOD.APPEND, 101, bytes), 201, 2);
    if (err) throw new TpError('trace', err);
  }
  finalize() {
    const err = this.#error(this.#call(METHOD.FINALIZE), 212, 1);
    if (err) throw new TpError('trace', err);
  }

  // Forgets the trace, so that another can be loaded.
  reset() {
    this.#call(METHOD.RESET);
  }

  loadFile(file, chunk = 8 << 20) {
    let fd;
    try { fd = fs.openSync(file, 'r'); }
    catch (e) { throw new TpError('usage', e.message); }
    let total = 0;
    try {
      const buf = Buffer.allocUnsafe(chunk);
      const framing = this.framing = new Framing();
      for (;;) {
        let n;
        try { n = fs.readSync(fd, buf, 0, chunk, null); }
        catch (e) { throw new TpError('usage', `${file}: ${e.message}`); }
        if (n === 0) break;
        total += n;
        framing.push(buf.subarray(0, n));
        try { this.append(buf.subarray(0, n)); }
        catch (e) {
          if (e.kind === 'trace') e.message = `${file}: parse error within bytes ${total - n}..${total}: ${e.message}`;
          throw e;
        }
      }
    } finally { fs.closeSync(fd); }
    if (total === 0) throw new TpError('trace', `${file}: the file is empty`);
    try { this.finalize(); }
    catch (e) {
      if (e.kind === 'trace') e.message = `${file}: error at end of file: ${e.message}`;
      throw e;
    }
  }

  // {columns: [..], rows: [[..], ..]}. A cell is null, or what `cell` makes of its type ('int', 'float', 'text', 'blob') and
  // value: as it comes, an integer that is not exact as a double is a BigInt, and a blob is a Uint8Array.
  query(sql, cell = (type, value) => value) {
    const replies = this.#call(METHOD.QUERY, 103, new Writer().str(1, sql).done());
    const columns = [], rows = [];
    let error, row = [], last = false;
    for (const {buf, argField, arg} of replies) {
      if (argField !== 203) continue;
      new Reader(buf, arg[0], arg[1]).each((f, w, v) => {
        if (f === 1) columns.push(utf8.decode(buf.subarray(v[0], v[1])));
        else if (f === 2) error = utf8.decode(buf.subarray(v[0], v[1])) || error;
        else if (f === 3) {
          let cells, ints, floats, strings, si = 0, bi = 0;
          const blobs = [];
          new Reader(buf, v[0], v[1]).each((g, gw, gv) => {
            if (g === 1) cells = buf.subarray(gv[0], gv[1]);
            else if (g === 2) ints = new Reader(buf, gv[0], gv[1]);
            else if (g === 3) floats = new DataView(buf.buffer, buf.byteOffset + gv[0], gv[1] - gv[0]);
            else if (g === 4) blobs.push(buf.slice(gv[0], gv[1]));
            else if (g === 5) strings = utf8.decode(buf.subarray(gv[0], gv[1])).split('\0');
            else if (g === 6) last = gv === 1;
          });
          let fi = 0;
          for (const t of cells ?? []) {
            if (t === 1) row.push(null);
            else if (t === 2) row.push(cell('int', ints.int64()));
            else if (t === 3) { row.push(cell('float', floats.getFloat64(fi, true))); fi += 8; }
            else if (t === 4) row.push(cell('text', strings[si++]));
            else if (t === 5) row.push(cell('blob', blobs[bi++]));
            else throw new TpError('engine', `cell type ${t}`);
            if (row.length === columns.length) { rows.push(row); row = []; }
          }
        }
      });
    }
    if (error) throw new TpError('query', error);
    if (!last || row.length) throw new TpError('engine', 'the query result is cut short');
    return {columns, rows};
  }

  // What must be empty for a trace that was written right: stats that tell of errors or losses. Of those of severity
  // 'info', the ones that for a writer of track events are mistakes too: an unknown interned id, a packet skipped, an
  // event that does not parse.
  badStats(cell) {
    return this.query(`select name, idx, severity, value, description from stats
      where value != 0 and (severity in ('error', 'data_loss') or (severity in ('info', 'notice') and (
        name glob '*error*' or name glob '*skipped*' or name glob '*unknown*' or
        name glob '*without_start*' or name glob '*dropped*'))) order by name, idx`, cell);
  }
}
