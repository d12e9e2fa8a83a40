// The little protobuf that the trace processor's remote calls need. Integers beyond 2^53 are BigInts.

export class Writer {
  #parts = [];
  #varint(n) {
    let v = BigInt.asUintN(64, BigInt(n));
    const out = [];
    while (v > 0x7fn) { out.push(Number(v & 0x7fn) | 0x80); v >>= 7n; }
    out.push(Number(v));
    this.#parts.push(Uint8Array.from(out));
  }
  int(field, n) { this.#varint(field * 8); this.#varint(n); return this; }
  bytes(field, b) {
    this.#varint(field * 8 + 2); this.#varint(b.length); this.#parts.push(b);
    return this;
  }
  str(field, s) { return this.bytes(field, Buffer.from(s, 'utf8')); }
  get size() { return this.#parts.reduce((a, p) => a + p.length, 0); }
  copyTo(dst, at = 0) {
    for (const p of this.#parts) { dst.set(p, at); at += p.length; }
    return at;
  }
  done() { const r = new Uint8Array(this.size); this.copyTo(r); return r; }
}

export class Reader {
  constructor(buf, pos = 0, end = buf.length) {
    this.b = buf; this.p = pos; this.end = end;
  }
  // Unsigned; may exceed 2^53 (then inexact), only for tags, sizes and enums.
  varint() {
    let r = 0, m = 1;
    for (let i = 0; i < 10; i++) {
      if (this.p >= this.end) throw new Error('protobuf: truncated varint');
      const c = this.b[this.p++];
      r += (c & 0x7f) * m;
      if (c < 0x80) return r;
      m *= 128;
    }
    throw new Error('protobuf: varint too long');
  }
  // Signed 64 bit: a number where that is exact, else a BigInt.
  int64() {
    const start = this.p;
    let r = 0, m = 1, c = 0x80, n = 0;
    while (c >= 0x80) {
      if (this.p >= this.end || n > 9) throw new Error('protobuf: bad varint');
      c = this.b[this.p++];
      r += (c & 0x7f) * m; m *= 128; n++;
    }
    if (n <= 7) return r;                         // < 2^49
    let big = 0n;
    for (let i = this.p - 1; i >= start; i--)
      big = (big << 7n) | BigInt(this.b[i] & 0x7f);
    big = BigInt.asIntN(64, big);
    const num = Number(big);
    return Number.isSafeInteger(num) ? num : big;
  }
  // Calls on(field, wire, value): a sub-range [from, to) for bytes.
  each(on) {
    while (this.p < this.end) {
      const tag = this.varint(), field = Math.floor(tag / 8), wire = tag % 8;
      if (wire === 0) on(field, wire, this.int64());
      else if (wire === 2) {
        const n = this.varint(), from = this.p;
        if (from + n > this.end) throw new Error('protobuf: truncated field');
        this.p = from + n;
        on(field, wire, [from, from + n]);
      } else if (wire === 1) { on(field, wire, [this.p, this.p + 8]); this.p += 8; }
      else if (wire === 5) { on(field, wire, [this.p, this.p + 4]); this.p += 4; }
      else throw new Error(`protobuf: wire type ${wire}`);
    }
  }
}

export const utf8 = new TextDecoder('utf-8');
