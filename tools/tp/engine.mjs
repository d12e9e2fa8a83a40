// Starts the real trace processor: the wasm of a built Perfetto UI.
//
// Its engine_bundle.js is meant to be the script of a web worker. Here it runs in a node:vm context with the few worker
// globals that it uses, and gives us a pipe of bytes: length-prefixed TraceProcessorRpc messages. No npm packages.

import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import crypto from 'node:crypto';
import {performance} from 'node:perf_hooks';
import {pathToFileURL} from 'node:url';

export class TpError extends Error {
  constructor(kind, message) { super(message); this.kind = kind; }
}

// The size of the program with which the bundle asks whether memory64 is there. It gets no for an answer: the 32 bit
// build runs on every Node.
const MEM64_PROBE_SIZE = 23;

// Runs engine_bundle.js; gives {send(bytes): Uint8Array[], U8}.
export async function startEngine(dist) {
  const bundle = path.join(dist, 'engine_bundle.js');
  if (!fs.existsSync(bundle)) {
    throw new TpError('usage', `${bundle}: no such file (is --dist right?)`);
  }

  const log = [];
  const say = (...a) => {
    const line = a.map((x) => x instanceof Error || x?.stack ? x.stack : String(x)).join(' ');
    if (!/^\s*Loading trace/.test(line)) log.push(line);
    if (log.length > 400) log.shift();
  };
  const readWasm = (name) => {
    const b = fs.readFileSync(path.join(dist, path.basename(String(name))));
    return b.buffer.slice(b.byteOffset, b.byteOffset + b.length);
  };
  const box = {
    console: {log: say, warn: say, error: say, info: say, debug: say},
    location: {href: pathToFileURL(bundle).href.replace(/^file:/, 'http:')},
    WorkerGlobalScope: function WorkerGlobalScope() {},
    performance, URL, TextDecoder, TextEncoder,
    crypto: crypto.webcrypto,
    setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask,
    // How the bundle reads its wasm: v52 with a synchronous XMLHttpRequest.
    XMLHttpRequest: class {
      open(_method, name) { this.name = name; }
      send() { this.response = readWasm(this.name); this.status = 200; }
    },
    fetch: async (name) => {
      const ab = readWasm(name);
      return {ok: true, status: 200, url: name, arrayBuffer: async () => ab};
    },
    __probe: MEM64_PROBE_SIZE,
  };
  let ready, failed;
  const isReady = new Promise((ok, no) => { ready = ok; failed = no; });
  box.__ready = () => ready();
  box.__failed = (e) => failed(e);
  box.self = box;
  const ctx = vm.createContext(box, {name: 'perfetto-engine'});

  // Inside the context: refuse memory64, see when the C++ side is set up.
  vm.runInContext(`(() => {
    const W = WebAssembly, realInstantiate = W.instantiate;
    delete W.instantiateStreaming;
    // See when the bundle has called trace_processor_rpc_init.
    const watch = (instance) => {
      const real = instance.exports, ex = Object.assign(Object.create(null), real);
      const init = real.trace_processor_rpc_init;
      ex.trace_processor_rpc_init = (...a) => {
        const ret = init(...a);
        // The caller stores ret right after we return: be ready one turn later.
        setTimeout(__ready, 0);
        return ret;
      };
      return {exports: ex};
    };
    W.Module = new Proxy(W.Module, {construct(T, [b, ...rest]) {
      if (b.byteLength === __probe) throw new Error('memory64 not wanted');
      return new T(b, ...rest);
    }});
    W.Instance = new Proxy(W.Instance, {construct: (T, args) => watch(new T(...args))});
    W.instantiate = async (src, imports) => {
      try {
        const r = await realInstantiate.call(W, src, imports);
        return {module: r.module, instance: watch(r.instance)};
      } catch (e) { __failed(e); throw e; }
    };
  })()`, ctx);
  try {
    vm.runInContext(fs.readFileSync(bundle, 'utf8'), ctx, {filename: bundle});
  } catch (e) {
    // e.stack has the whole (huge) source line in it: leave that out.
    throw new TpError('engine', `cannot start the engine: ${e.name}: ${e.message}\n` +
      String(e.stack).split('\n').filter((l) => /^ +at /.test(l) && l.length < 300).slice(0, 8).join('\n'));
  }
  if (typeof box.onmessage !== 'function') {
    throw new TpError('engine', 'engine_bundle.js set no self.onmessage');
  }

  const U8 = vm.runInContext('Uint8Array', ctx);
  let replies = [];
  const port = {postMessage: (data) => { replies.push(data); }};
  box.onmessage({data: port});
  let timer;
  await Promise.race([isReady, new Promise((_, no) => {
    timer = setTimeout(() => no(new Error('the engine did not come up in 120 s')), 120e3);
  })]).catch((e) => {
    throw new TpError('engine', `cannot start the engine: ${e.message ?? e}\n` + log.slice(-20).join('\n'));
  }).finally(() => clearTimeout(timer));

  return {
    U8,
    send(bytes) {
      replies = [];
      try { port.onmessage({data: bytes}); }
      catch (e) {
        throw new TpError('engine', `the trace processor crashed: ${String(e.message ?? e).split('\n')[0]}\n` +
          log.slice(-15).join('\n'));
      }
      const r = replies; replies = []; return r;
    },
  };
}
