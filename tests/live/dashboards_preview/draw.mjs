// Draws a dashboard: node draw.mjs DASHBOARD.json PICTURE.png PROMETHEUS_URL END HOURS [expand]
// END is in seconds since 1970. Prints what was wrong, one line each.

import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [dashboard, picture, prometheus, end, hours, expand] = process.argv.slice(2);
const dist = path.join(import.meta.dirname, 'dist');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };
const PATIENCE = 120_000; // milliseconds
const WIDTH = 1600;

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://page');
  if (pathname.startsWith('/api/')) {
    const reply = await fetch(prometheus + request.url);
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    return response.end(await reply.text());
  }
  const name = pathname === '/' ? 'index.html' : path.normalize(pathname);
  const file = pathname === '/dashboard.json' ? dashboard : path.join(dist, name);
  try {
    const body = await fs.readFile(file);
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

const server = http.createServer(answer).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1200 } });
  const found = [];
  page.on('pageerror', (error) => found.push(`page: ${error.message}`));
  const to = Number(end) * 1000;
  const query = new URLSearchParams({ from: to - hours * 3_600_000, to });
  if (expand) query.set('expand', '1');
  await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`);
  await page.waitForFunction(() => window.preview, null, { timeout: PATIENCE });
  const { height, problems } = await page.evaluate(() => window.preview);
  await page.setViewportSize({ width: WIDTH, height: Math.ceil(height) });
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: picture });
  for (const problem of [...found, ...(await page.evaluate(() => window.preview.problems))]) console.log(problem);
} finally {
  await browser.close();
  server.close();
}
