// Walks the top level of a proto trace (tag 0x0a, size, packet, ...) as its
// bytes go by.  The trace processor says nothing of a last packet that is cut
// short, so we look ourselves.  Not for other formats (JSON, gzip, zip).
export class Framing {
  packets = 0; pos = 0; proto; bad = '';
  #state = 'tag'; #len = 0; #mul = 1; #left = 0;
  push(b) {
    let i = 0;
    if (this.proto === undefined && b.length) this.proto = b[0] === 0x0a;
    if (!this.proto || this.bad) { this.pos += b.length; return; }
    while (i < b.length) {
      if (this.#state === 'body') {
        const n = Math.min(this.#left, b.length - i);
        i += n; this.#left -= n;
        if (this.#left === 0) { this.packets++; this.#state = 'tag'; }
      } else if (this.#state === 'tag') {
        if (b[i] !== 0x0a) {
          this.bad = `byte ${this.pos + i}: field tag 0x${b[i].toString(16)} where a packet (0x0a) should start`;
          break;
        }
        i++; this.#state = 'len'; this.#len = 0; this.#mul = 1;
      } else {
        const c = b[i++];
        this.#len += (c & 0x7f) * this.#mul; this.#mul *= 128;
        if (c < 0x80) {
          this.#left = this.#len;
          if (this.#left) this.#state = 'body';
          else { this.packets++; this.#state = 'tag'; }
        }
      }
    }
    this.pos += b.length;
  }
  // What is wrong with the whole, or ''.
  end() {
    if (!this.proto || this.bad) return this.bad;
    if (this.#state === 'tag') return '';
    return `the file ends inside packet ${this.packets} (` +
      (this.#state === 'body' ? `${this.#left} of its ${this.#len} bytes missing)` : 'in its size)');
  }
}
