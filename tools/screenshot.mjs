#!/usr/bin/env node
// Opens a trace in the real Perfetto UI, in headless Chromium, and saves a picture of it.
//
// Fails unless the UI has loaded slices and shows no error. The UI and the trace are served from one local origin, since
// the UI fetches from its own alone. `make tools-ui` installs what this needs.
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import {createRequire} from 'node:module';

const TOOLS = process.env.PFTRACE_TOOLS ?? path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../target/tools');
const {chromium} = createRequire(path.join(TOOLS, 'browser/package.json'))('playwright-core');

const USAGE = `usage: node screenshot.mjs [options] TRACE
  --out FILE      the PNG (default screenshot.png)
  --size WxH      window size (default 1600x900)
  --no-expand     leave track groups as the UI shows them at first
  --range A,B     zoom: from A to B, in ns after the trace's start
  --select NAME   select the first slice of this name (its details are shown)
  --zoom N        with --select: show N times as much as that slice
  --no-sidebar    more room for the tracks
  --chromium BIN  (default /usr/bin/chromium)
`;
const opt = {ui: path.join(TOOLS, 'ui'), out: 'screenshot.png', size: '1600x900',
  chromium: '/usr/bin/chromium', expand: true, sidebar: true};
let trace;
for (let a = process.argv.slice(2); a.length;) {
  const k = a.shift();
  if (k === '--no-expand') opt.expand = false;
  else if (k === '--no-sidebar') opt.sidebar = false;
  else if (k.startsWith('--') && a.length) opt[k.slice(2)] = a.shift();
  else if (!k.startsWith('--') && !trace) trace = k;
  else { process.stderr.write(USAGE); process.exit(2); }
}
if (!trace || !opt.ui || !fs.existsSync(trace)) { process.stderr.write(USAGE); process.exit(2); }

const MIME = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css',
  '.json': 'application/json', '.wasm': 'application/wasm', '.png': 'image/png',
  '.woff2': 'font/woff2'};
const root = path.resolve(opt.ui);
const server = http.createServer((req, res) => {
  const p = decodeURIComponent(new URL(req.url, 'http://x').pathname);
  const file = p === '/trace' ? path.resolve(trace) : path.join(root, p === '/' ? 'index.html' : p);
  if (p !== '/trace' && !file.startsWith(root + path.sep)) { res.writeHead(403).end(); return; }
  fs.stat(file, (err, st) => {
    if (err || !st.isFile()) { res.writeHead(404).end(); return; }
    res.writeHead(200, {'content-type': MIME[path.extname(file)] ?? 'application/octet-stream',
      'content-length': st.size, 'cache-control': 'no-store'});
    fs.createReadStream(file).pipe(res);
  });
});
await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
const origin = `http://127.0.0.1:${server.address().port}`;

const [width, height] = opt.size.split('x').map(Number);
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'screenshot-'));
let rc = 1, ctx;
try {
  ctx = await chromium.launchPersistentContext(profile, {
    executablePath: opt.chromium, headless: true, viewport: {width, height},
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
  });
  const page = ctx.pages()[0] ?? await ctx.newPage();
  const log = [];
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) log.push(`${m.type()}: ${m.text()}`); });
  page.on('pageerror', (e) => log.push(`page error: ${e.message}`));
  await page.addInitScript(() => localStorage.setItem('dismissedPanningHint', 'true'));

  // testing=1: no analytics, no cookie consent, no live reload.
  const t0 = Date.now();
  const url = encodeURIComponent(`${origin}/trace`);
  await page.goto(`${origin}/?testing=1#!/?url=${url}`);
  await page.waitForFunction(() => typeof self.waitForPerfettoIdle === 'function', null, {timeout: 60e3});
  await page.waitForFunction(() => self.app?.trace !== undefined || document.querySelector('.pf-modal-dialog'),
    null, {timeout: 300e3});
  const modal = async () => (await page.locator('.pf-modal-dialog').allInnerTexts()).join('\n').trim();
  if (await page.evaluate(() => self.app?.trace === undefined)) {
    throw new Error(`the UI shows a dialog instead of the trace:\n${await modal()}`);
  }
  const idle = () => page.evaluate(() => self.waitForPerfettoIdle(1000));
  await idle();
  const loadMs = Date.now() - t0;
  if (opt.expand) {
    await page.evaluate(() => self.app.commands.runCommand('dev.perfetto.ExpandAllGroups'));
    await idle();
  }
  if (!opt.sidebar) {
    await page.evaluate(() => self.app.commands.runCommand('dev.perfetto.ToggleLeftSidebar'));
    await idle();
  }
  if (opt.select) {
    opt.range ??= await page.evaluate(async ([name, zoom]) => {
      const t = self.app.trace;
      const r = await t.engine.query(`select id, ts, dur from slice where name = '${name.replaceAll("'", "''")}' order by ts limit 1`);
      const it = r.iter({id: 0, ts: 0n, dur: 0n});
      if (!it.valid()) throw new Error(`no slice is named ${name}`);
      t.selection.selectSqlEvent('slice', it.id, {scrollToSelection: true});
      if (!zoom) return undefined;
      const begin = Number(it.ts - t.traceInfo.start), dur = Number(it.dur), margin = dur * (zoom - 1) / 2;
      return [begin - margin, begin + dur + margin].map(Math.round).join();
    }, [opt.select, opt.zoom]);
    await idle();
  }
  if (opt.range) {
    const [a, b] = opt.range.split(',');
    await page.evaluate(([a, b]) => {
      const t = self.app.trace, s = t.traceInfo.start;
      t.timeline.panSpanIntoView
        ? t.timeline.panSpanIntoView(s + BigInt(a), s + BigInt(b), {align: 'zoom'})
        : t.scrollTo({time: {start: s + BigInt(a), end: s + BigInt(b), viewPercentage: 1}});
    }, [a, b]);
    await idle();
  }
  if (opt.select) {
    // Its details have taken some of the tracks' room: the track may lie below it now.
    await page.evaluate(() => self.app.trace.selection.scrollToSelection());
    await idle();
    // Its arguments stand below all else that is said of it.
    await page.mouse.move(width / 4, height - 60);
    await page.mouse.wheel(0, 1000);
    await idle();
  }
  await page.mouse.move(0, 0);
  await idle();
  await page.screenshot({path: opt.out});
  const info = await page.evaluate(async () => {
    const t = self.app.trace;
    const q = await t.engine.query('select count(*) as n from slice');
    return {slices: q.firstRow({n: 0}).n,
      version: document.body.dataset.perfetto_version,
      tracks: [...document.querySelectorAll('.pf-track__title, .pf-track-title, .pf-track__name')].map((e) => e.textContent.trim()).slice(0, 40),
      importErrors: t.traceInfo.importErrors};
  });
  console.log(JSON.stringify({out: opt.out, loadMs, ...info, dialog: await modal(), log: [...new Set(log)].slice(0, 20)}, null, 1));
  if (info.importErrors) throw new Error(`the UI reports ${info.importErrors} import errors`);
  if (!info.slices) throw new Error('the UI has loaded no slices');
  rc = 0;
} catch (e) {
  process.stderr.write(`screenshot: ${e.message}\n`);
  if (ctx?.pages()[0]) await ctx.pages()[0].screenshot({path: opt.out}).catch(() => {});
} finally {
  await ctx?.close().catch(() => {});
  server.close();
  server.closeAllConnections();
  fs.rmSync(profile, {recursive: true, force: true});
}
process.exit(rc);
