// A panel, drawn by the component that Grafana draws it with.

import React, { useLayoutEffect } from 'react';
import {
  applyFieldOverrides, cacheFieldDisplayNames, colorManipulator, createTheme, dateTime, dateTimeFormat,
  FieldConfigOptionsRegistry, getFieldDisplayName, getFieldDisplayValues,
} from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { from, interpolate, problems, to } from './source.js';

const mode = new URLSearchParams(location.search).has('light') ? 'light' : 'dark';
export const theme = createTheme({ colors: { mode } });

const STANDARD = ['unit', 'min', 'max', 'decimals', 'displayName', 'color', 'noValue', 'links', 'mappings', 'thresholds'];
const moments = { from: dateTime(from), to: dateTime(to) };
const timeRange = { ...moments, raw: moments };

// Knows every property of a field, and takes its value as it is.
class AnyProperty extends FieldConfigOptionsRegistry {
  constructor(custom) {
    super();
    this.custom = custom;
  }

  getIfExists(id) {
    const isCustom = id?.startsWith('custom.');
    const path = isCustom ? id.slice('custom.'.length) : id;
    return id && { id, path, isCustom, name: id, process: (value) => value, shouldApply: () => true };
  }

  get(id) {
    return this.getIfExists(id);
  }

  list() {
    return [...STANDARD, ...this.custom].map((id) => this.getIfExists(id));
  }
}

function registryFor({ defaults, overrides }) {
  const own = Object.keys(defaults.custom ?? {}).map((name) => `custom.${name}`);
  const others = overrides.flatMap((override) => override.properties.map((property) => property.id));
  return new AnyProperty([...new Set([...own, ...others.filter((id) => id.startsWith('custom.'))])]);
}

function Empty({ panel }) {
  const text = panel.fieldConfig.defaults.noValue || 'No data';
  return <div style={{ padding: 20, textAlign: 'center', color: theme.colors.text.secondary }}>{text}</div>;
}

function Stat({ values, options, width, height }) {
  const each = { width: width / values.length, height };
  return (
    <div style={{ display: 'flex', width, height }}>
      {values.map((value, index) => (
        <BigValue key={index} {...each} value={value.display} count={values.length} theme={theme}
          colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode}
          textMode={options.textMode} text={options.text} wideLayout={options.wideLayout} />
      ))}
    </div>
  );
}

function Bars({ values, options, width, height }) {
  return values.map((value, index) => (
    <BarGauge key={index} value={value.display} field={value.field} theme={theme} width={width}
      height={height / values.length} orientation="horizontal" displayMode={options.displayMode}
      display={value.view?.getFieldDisplayProcessor(value.colIndex)} />
  ));
}

// One bar a state, from its first value to the next that differs.
function statesOf({ times, values }) {
  const parts = [];
  values.forEach((value, index) => {
    const last = parts.at(-1);
    const end = times[index + 1] ?? to;
    if (last && last.value === value && last.end >= times[index]) last.end = end;
    else if (value !== null) parts.push({ value, start: times[index], end });
  });
  return parts;
}

// One cell a value, as wide as the least time between two of any row.
function cellsOf({ times, values, least }) {
  return values.flatMap((value, index) =>
    value === null ? [] : [{ value, start: times[index] - 0.45 * least, end: times[index] + 0.45 * least }]);
}

function leastStep(frames) {
  const times = [...new Set(frames.flatMap((frame) => frame.fields[0].values))].sort((one, other) => one - other);
  return Math.min(to - from, ...times.slice(1).map((time, index) => time - times[index]));
}

// The components of Grafana's own state timeline and status history are not in its packages: drawn as those do.
function Timeline({ frames, options, partsOf, width, height }) {
  const least = leastStep(frames);
  const rows = frames.map((frame) => {
    const values = frame.fields[1];
    const parts = partsOf({ times: frame.fields[0].values, values: values.values, least });
    return { name: getFieldDisplayName(values, frame, frames), parts, display: values.display };
  });
  const used = new Map(rows.flatMap(({ parts, display }) => parts.map(({ value }) => [value, display(value)])));
  const [left, foot] = [Math.min(0.3 * width, 8 + 6.4 * Math.max(...rows.map(({ name }) => name.length))), 44];
  const each = (height - foot) / rows.length;
  const place = (time) => left + ((width - left) * (Math.max(time, from) - from)) / (to - from);
  const text = { fill: theme.colors.text.primary, fontSize: 12 };
  const hours = Array.from({ length: 7 }, (_, index) => from + (index * (to - from)) / 6);
  return (
    <svg width={width} height={height}>
      {rows.map(({ name, parts, display }, index) => (
        <g key={index} transform={`translate(0 ${index * each})`}>
          <text x={left - 6} y={each / 2 + 4} textAnchor="end" {...text}>{name}</text>
          {parts.map(({ value, start, end }) => (
            <rect key={start} x={place(start)} width={place(end) - place(start)} y={(each * (1 - options.rowHeight)) / 2}
              height={each * options.rowHeight} fill={display(value).color} fillOpacity={0.8} />
          ))}
        </g>
      ))}
      {hours.map((time, index) => (
        <text key={time} x={place(time)} y={height - 28} textAnchor={index === 6 ? 'end' : index ? 'middle' : 'start'} {...text}>
          {dateTimeFormat(time, { format: 'HH:mm', timeZone: 'utc' })}
        </text>
      ))}
      {options.legend.showLegend && [...used.values()].map(({ text: state, color }, index) => (
        <g key={state} transform={`translate(${8 + index * 150} ${height - 8})`}>
          <rect width={14} height={4} y={-6} fill={color} />
          <text x={20} {...text}>{state}</text>
        </g>
      ))}
    </svg>
  );
}

function drawLine(plot, x) {
  const { top, height } = plot.bbox;
  plot.ctx.beginPath();
  plot.ctx.moveTo(x, top);
  plot.ctx.lineTo(x, top + height);
  plot.ctx.stroke();
}

function drawRegion(plot, { color, start, end }) {
  const { ctx, bbox } = plot;
  const [left, right] = [start, end].map((time) => plot.valToPos(time * 1000, 'x', true));
  ctx.strokeStyle = theme.visualization.getColorByName(color);
  ctx.fillStyle = colorManipulator.alpha(ctx.strokeStyle, 0.1);
  drawLine(plot, left);
  if (end === start) return;
  drawLine(plot, right);
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
}

// As Grafana draws annotations, but for the triangles at the bottom.
function Annotations({ config, regions }) {
  useLayoutEffect(() => {
    config.addHook('draw', (plot) => {
      plot.ctx.save();
      plot.ctx.lineWidth = 1;
      plot.ctx.setLineDash([5, 5]);
      for (const region of regions) drawRegion(plot, region);
      plot.ctx.restore();
    });
  }, [config, regions]);
  return null;
}

function Body({ panel, data, regions, width, height }) {
  if (panel.type === 'text') return <pre>{panel.options.content}</pre>;
  if (!data.some((frame) => frame.length)) return <Empty panel={panel} />;
  const { options, fieldConfig } = panel;
  const fieldConfigRegistry = registryFor(fieldConfig);
  const common = { fieldConfig, replaceVariables: interpolate, theme, fieldConfigRegistry, timeZone: 'utc' };
  const frames = applyFieldOverrides({ ...common, data });
  cacheFieldDisplayNames(frames);
  if (panel.type === 'timeseries') {
    return <TimeSeries frames={frames} width={width} height={height} timeRange={timeRange} timeZone="utc"
      legend={options.legend} options={options}>
      {(config) => <Annotations config={config} regions={regions} />}
    </TimeSeries>;
  }
  if (panel.type === 'table') {
    return <TableNG data={frames[0]} width={width} height={height} initialSortBy={options.sortBy}
      cellHeight={options.cellHeight} noHeader={!options.showHeader} enableSharedCrosshair={false} />;
  }
  const partsOf = { 'state-timeline': statesOf, 'status-history': cellsOf }[panel.type];
  if (partsOf) return <Timeline frames={frames} options={options} partsOf={partsOf} width={width} height={height} />;
  const values = getFieldDisplayValues({ ...common, data: frames, reduceOptions: options.reduceOptions });
  if (panel.type === 'stat') return <Stat values={values} options={options} width={width} height={height} />;
  if (panel.type === 'bargauge') return <Bars values={values} options={options} width={width} height={height} />;
  throw new Error(`type ${panel.type} cannot be drawn`);
}

class Guard extends React.Component {
  state = {};

  static getDerivedStateFromError(error) {
    return { error };
  }

  componentDidCatch(error) {
    problems.push(`${this.props.title}: ${error.message}`);
  }

  render() {
    return this.state.error ? <pre>{String(this.state.error)}</pre> : this.props.children;
  }
}

export function Panel({ panel, data, regions, width, height }) {
  return (
    <Guard title={panel.title}>
      <PanelChrome title={panel.title} description={panel.description} width={width} height={height}
        padding={panel.type === 'table' ? 'none' : 'md'}>
        {(innerWidth, innerHeight) => (
          <Body panel={panel} data={data} regions={regions} width={innerWidth} height={innerHeight} />
        )}
      </PanelChrome>
    </Guard>
  );
}
