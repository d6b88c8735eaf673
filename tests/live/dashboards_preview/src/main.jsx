// Draws /dashboard.json; window.preview says when it is done, how high it is, and what was wrong.

import React from 'react';
import { createRoot } from 'react-dom/client';
import { ThemeContext } from '@grafana/data';
import { GlobalStyles } from '@grafana/ui';
import { framesOf } from './frames.js';
import { Panel, theme } from './panels.jsx';
import { annotated, loadVariables, problems } from './source.js';

const WIDTH = 1600;
const COLUMN = (WIDTH - 16) / 24;
const ROW = 38; // 30 pixels and a gap of 8, as in Grafana
const GAP = 8;
const HEAD = 76;
const expand = new URLSearchParams(location.search).has('expand');

// The panels that are seen, each with the place where it stands: an opened row moves down what follows.
function placed(panels) {
  const seen = [];
  let moved = 0;
  for (const panel of panels) {
    seen.push({ panel, y: panel.gridPos.y + moved });
    if (panel.type !== 'row' || !panel.collapsed || !expand) continue;
    const bottom = Math.max(...panel.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
    seen.push(...panel.panels.map((inner) => ({ panel: inner, y: inner.gridPos.y + moved })));
    moved += bottom - panel.gridPos.y - 1;
  }
  return seen;
}

function Row({ panel, style }) {
  const open = !panel.collapsed || expand;
  const count = panel.collapsed ? panel.panels.length : 0;
  return (
    <div style={{ ...style, fontSize: 16, fontWeight: 500, lineHeight: '30px' }}>
      {open ? '▾' : '▸'} {panel.title}
      {!open && <span style={{ color: theme.colors.text.secondary, fontSize: 13, fontWeight: 400 }}> ({count} panels)</span>}
    </div>
  );
}

async function cell({ panel, y }, regions) {
  const { x, w, h } = panel.gridPos;
  const size = { width: w * COLUMN - GAP, height: h * ROW - GAP };
  const style = { position: 'absolute', left: x * COLUMN + GAP, top: y * ROW + HEAD, ...size };
  if (panel.type === 'row') return <Row key={panel.id} panel={panel} style={style} />;
  const data = await framesOf(panel, size.width);
  return <div key={panel.id} style={style}><Panel panel={panel} data={data} regions={regions} {...size} /></div>;
}

function Head({ title, variables }) {
  return (
    <div style={{ padding: '10px 8px' }}>
      <div style={{ fontSize: 20, lineHeight: '28px' }}>{title}</div>
      <div style={{ fontSize: 13, lineHeight: '24px', color: theme.colors.text.secondary }}>
        {variables.map(([label, value]) => (
          <span key={label} style={{ marginRight: 20 }}>{label} <b style={{ color: theme.colors.text.primary }}>{value}</b></span>
        ))}
      </div>
    </div>
  );
}

async function draw() {
  const dashboard = await (await fetch('/dashboard.json')).json();
  const variables = await loadVariables(dashboard.templating.list);
  const regions = await annotated(dashboard.annotations.list);
  const seen = placed(dashboard.panels);
  const cells = await Promise.all(seen.map((place) => cell(place, regions)));
  const height = HEAD + ROW * Math.max(...seen.map(({ panel, y }) => y + panel.gridPos.h));
  Object.assign(document.body.style, { background: theme.colors.background.canvas, color: theme.colors.text.primary });
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width: WIDTH, height }}>
        <Head title={dashboard.title} variables={variables} />
        {cells}
      </div>
    </ThemeContext.Provider>
  );
  return height;
}

draw()
  .then((height) => { window.preview = { height, problems }; })
  .catch((error) => { window.preview = { height: 600, problems: [...problems, error.stack] }; });
