// Prometheus, and what Grafana puts into a query before it is asked.

import { dateTime, rangeUtil } from '@grafana/data';

const parameters = new URLSearchParams(location.search);
const DATA_SOURCE_INTERVAL = 15; // seconds, as in grafana/provisioning/
const ANNOTATION_POINTS = 100; // what Grafana asks for, however wide the panels are

export const to = Number(parameters.get('to'));
export const from = Number(parameters.get('from'));
export const problems = [];

const variables = {};

async function ask(path, query) {
  const reply = await fetch(`/api/v1/${path}?${new URLSearchParams(query)}`);
  const body = await reply.json();
  if (body.status !== 'success') throw new Error(body.error);
  return body.data;
}

function asRegex(variable) {
  if (variable.all && variable.allValue) return variable.allValue;
  const escaped = variable.values.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, '\\\\$&'));
  return escaped.length === 1 ? escaped[0] : `(${escaped.join('|')})`;
}

// The least step of a query, or else what the data source says of its jobs.
function leastOf(interval) {
  return interval ? rangeUtil.intervalToSeconds(interval) : DATA_SOURCE_INTERVAL;
}

export function interpolate(text) {
  const range = Math.round((to - from) / 1000);
  return String(text ?? '')
    .replaceAll('$__range', `${range}s`)
    .replace(/\$\{?(\w+)\}?/g, (whole, name) => (variables[name] ? asRegex(variables[name]) : whole));
}

function asked(expr, step, interval) {
  const scrape = leastOf(interval);
  return interpolate(expr)
    .replaceAll('$__rate_interval', `${Math.max(4 * scrape, step + scrape)}s`)
    .replaceAll('$__interval', `${step}s`);
}

async function optionsOf(variable) {
  const [, selector, label] = /^label_values\((?:(.*),\s*)?(\w+)\)$/.exec(variable.query);
  const match = selector ? { 'match[]': interpolate(selector) } : {};
  return ask(`label/${label}/values`, { ...match, start: from / 1000, end: to / 1000 });
}

export async function loadVariables(list) {
  for (const variable of list) {
    const options = variable.type === 'query' ? await optionsOf(variable) : ['prometheus'];
    if (!options.length) problems.push(`variable ${variable.name}: no values`);
    const current = [].concat(parameters.get(`var-${variable.name}`) ?? variable.current.value);
    const all = current.includes('$__all');
    const chosen = current.filter((value) => options.includes(value));
    variables[variable.name] = {
      all,
      allValue: variable.allValue,
      values: all || !chosen.length ? options.slice(0, all ? options.length : 1) : chosen,
      label: variable.label,
    };
  }
  return Object.values(variables).map(({ label, all, values }) => [label, all ? 'All' : values.join(' + ')]);
}

export function stepFor(width, interval) {
  const range = { from: dateTime(from), to: dateTime(to) };
  return rangeUtil.calculateInterval(range, width, `${leastOf(interval)}s`).intervalMs / 1000;
}

async function queryRange(expr, step, interval) {
  const [start, end] = [from, to].map((time) => Math.floor(time / 1000 / step) * step);
  return (await ask('query_range', { query: asked(expr, step, interval), start, end, step })).result;
}

export async function query({ expr, instant, interval }, width) {
  const step = stepFor(width, interval);
  if (!instant) return queryRange(expr, step, interval);
  return (await ask('query', { query: asked(expr, step, interval), time: to / 1000 })).result;
}

// The samples of a series that follow each other are one region, as in Grafana.
function regionsOf(series, step, color) {
  const regions = [];
  for (const [time, value] of series.values) {
    if (Number(value) === 0) continue;
    const last = regions.at(-1);
    if (last && time - last.end <= step) last.end = time;
    else regions.push({ color, start: time, end: time });
  }
  return regions;
}

// What the dashboard's annotations mark, in seconds since 1970.
export async function annotated(list) {
  const found = await Promise.all(
    list.filter(({ expr, enable }) => expr && enable).map(async ({ name, expr, step, iconColor }) => {
      const seconds = Math.max(parseInt(step, 10), stepFor(ANNOTATION_POINTS));
      const result = await queryRange(expr, seconds);
      if (!result.length) problems.push(`annotation ${name}: no data`);
      return result.flatMap((series) => regionsOf(series, seconds, iconColor));
    })
  );
  return found.flat();
}
