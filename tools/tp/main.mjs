#!/usr/bin/env node
// SQL on a trace with the real trace processor, for people (CSV) and for tests (--serve).

import path from 'node:path';
import process from 'node:process';
import readline from 'node:readline';
import {TpError} from './engine.mjs';
import {TraceProcessor} from './trace_processor.mjs';

const USAGE = `usage: node main.mjs --dist DIR TRACE [SQL ...]
       node main.mjs --dist DIR --serve

  --dist DIR   the folder with engine_bundle.js and trace_processor.wasm

Prints the rows of each query as CSV, then the statistics that tell of errors or losses, if there are any.
exit status: 0 fine; 2 usage or unreadable file; 3 there are such statistics, or the file ends inside a packet;
  4 the trace does not parse; 5 a query failed; 6 the engine failed

--serve: one request a line on the standard input, one reply a line on the standard output, both JSON:
  {"load": FILE}      forgets the trace before, loads this one -> {"packets": N, "cut": TEXT}; cut is '' for a whole file
  {"query": SQL}      -> {"columns": [...], "rows": [[cell, ...], ...]}
  {"stats": true}     the statistics that should be zero and are not -> as a query
  a cell: null, {"int": "1"}, {"float": "NaN"}, {"text": "x"} or {"blob": "00ff"}
  what fails -> {"error": TEXT, "kind": "usage" | "trace" | "query" | "engine"}
`;
const EXIT = {usage: 2, trace: 4, query: 5, engine: 6};

async function main(argv) {
  let dist = '', serving = false;
  const positional = [];
  while (argv.length) {
    const argument = argv.shift();
    if (argument === '--dist') dist = argv.shift() ?? '';
    else if (argument === '--serve') serving = true;
    else if (argument === '--help') { process.stdout.write(USAGE); return 0; }
    else if (argument.startsWith('--')) throw new TpError('usage', `unknown option ${argument}\n${USAGE}`);
    else positional.push(argument);
  }
  if (!dist || serving === positional.length > 0) throw new TpError('usage', USAGE);
  dist = path.resolve(dist);
  return serving ? serve(dist) : show(dist, positional);
}

// ------------------------------------------------------------------- CSV

async function show(dist, [trace, ...queries]) {
  const processor = await TraceProcessor.start(dist);
  processor.loadFile(trace);
  for (const sql of queries) printCsv(processor.query(sql));
  const cut = processor.framing.end();
  if (cut) process.stderr.write(`${trace}: ${cut}\n`);
  const stats = processor.badStats();
  if (stats.rows.length) printCsv(stats);
  return cut || stats.rows.length ? 3 : 0;
}

function printCsv({columns, rows}) {
  const cell = (value) => {
    if (value === null) return '';
    if (ArrayBuffer.isView(value)) return Buffer.from(value).toString('hex');
    const text = String(value);
    return /[",\r\n]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
  };
  for (const row of [columns, ...rows]) process.stdout.write(row.map(cell).join(',') + '\n');
}

// ----------------------------------------------------------------- serving

const typed = (type, value) =>
  ({[type]: type === 'blob' ? Buffer.from(value).toString('hex') : String(value)});

async function serve(dist) {
  let processor, loaded = false;
  const load = async (file) => {
    if (processor && loaded) {
      // A crash leaves an engine that answers nothing any more: take a new one.
      try { processor.reset(); } catch { processor = undefined; }
    }
    processor ??= await TraceProcessor.start(dist);
    loaded = true;
    processor.loadFile(file);
    return {packets: processor.framing.packets, cut: processor.framing.end()};
  };
  const answer = async (request) => {
    if (request.load !== undefined) return load(request.load);
    if (!loaded) throw new TpError('usage', 'no trace is loaded');
    if (request.query !== undefined) return processor.query(request.query, typed);
    if (request.stats) return processor.badStats(typed);
    throw new TpError('usage', `unknown request ${JSON.stringify(request)}`);
  };
  for await (const line of readline.createInterface({input: process.stdin})) {
    let reply;
    try {
      reply = await answer(JSON.parse(line));
    } catch (error) {
      reply = {error: error.message, kind: error.kind ?? 'engine'};
      if (reply.kind === 'engine') processor = undefined;
    }
    process.stdout.write(JSON.stringify(reply) + '\n');
  }
  return 0;
}

main(process.argv.slice(2)).then((status) => { process.exitCode = status; }, (error) => {
  process.stderr.write(`tp: ${error instanceof TpError ? error.message : error.stack}\n`);
  process.exitCode = EXIT[error.kind] ?? 6;
});
