// Draws a dashboard: node draw.mjs DASHBOARD.json PICTURE.png PROMETHEUS_URL END HOURS [expand] [light] [var-NAME=VALUE]
// END is in seconds since 1970. Prints what was wrong, one line each.

import fs from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [dashboard, picture, prometheus, end, hours, ...options] = process.argv.slice(2);
const dist = path.join(import.meta.dirname, 'dist');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };
const PATIENCE = 120_000; // milliseconds
const WIDTH = 1600;

// Answers what the page asks for. Over a real connection, Chromium would give up whatever is under way
// when a network interface of the machine comes or goes.
async function answer(route) {
  const { pathname, search } = new URL(route.request().url());
  if (pathname.startsWith('/api/')) {
    const reply = await fetch(prometheus + pathname + search);
    return route.fulfill({ status: reply.status, contentType: 'application/json', body: await reply.text() });
  }
  const name = pathname === '/' ? 'index.html' : path.normalize(pathname);
  const file = pathname === '/dashboard.json' ? dashboard : path.join(dist, name);
  try {
    const body = await fs.readFile(file);
    return route.fulfill({ contentType: TYPES[path.extname(file)] ?? 'application/octet-stream', body });
  } catch {
    return route.fulfill({ status: 404 });
  }
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1200 } });
  const found = [];
  page.on('pageerror', (error) => found.push(`page: ${error.message}`));
  await page.route('**/*', answer);
  const to = Number(end) * 1000;
  const query = new URLSearchParams({ from: to - hours * 3_600_000, to });
  for (const option of options) query.set(...(option.includes('=') ? option.split('=') : [option, '1']));
  await page.goto(`http://localhost/?${query}`);
  await page.waitForFunction(() => window.preview, null, { timeout: PATIENCE });
  const { height, problems } = await page.evaluate(() => window.preview);
  await page.setViewportSize({ width: WIDTH, height: Math.ceil(height) });
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: picture });
  for (const problem of [...found, ...(await page.evaluate(() => window.preview.problems))]) console.log(problem);
} finally {
  await browser.close();
}
