// The answers of Prometheus as Grafana's data frames.

import { FieldType, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame } from '@grafana/data';
import { interpolate, problems, query, stepFor } from './source.js';

const transformers = new Map(Object.values(standardTransformers).map((transformer) => [transformer.id, transformer]));
standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
    editor: () => null,
  }))
);

function legend(target, labels) {
  return interpolate(target.legendFormat).replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

function tableFrame(target, result, valueName) {
  const names = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].sort();
  const texts = names.map((name) => ({
    name,
    type: FieldType.string,
    values: result.map((series) => series.metric[name] ?? ''),
  }));
  const times = { name: 'Time', type: FieldType.time, values: result.map((series) => series.value[0] * 1000) };
  const values = { name: valueName, type: FieldType.number, values: result.map((series) => Number(series.value[1])) };
  return toDataFrame({ refId: target.refId, fields: [times, ...texts, values] });
}

// A null where a sample is missing or no number, as Grafana has it, so that gaps are not drawn over.
function withGaps(samples, step) {
  const filled = [];
  for (const [time, value] of samples) {
    const last = filled.at(-1);
    if (last && time - last[0] > step) filled.push([last[0] + step, null]);
    filled.push([time, Number.isFinite(Number(value)) ? Number(value) : null]);
  }
  return filled;
}

function seriesFrame(target, series, step) {
  const samples = series.values ? withGaps(series.values, step) : [series.value];
  const name = legend(target, series.metric);
  return toDataFrame({
    refId: target.refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, values: samples.map((sample) => sample[0] * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        labels: series.metric,
        values: samples.map((sample) => (sample[1] === null ? null : Number(sample[1]))),
        config: { displayNameFromDS: name },
      },
    ],
  });
}

function transform(frames, configuration) {
  if (!configuration?.length) return frames;
  return new Promise((resolve, reject) =>
    transformDataFrame(configuration, frames, { interpolate }).subscribe({ next: resolve, error: reject })
  );
}

export async function framesOf(panel, pixels) {
  const frames = [];
  const width = panel.maxDataPoints ?? pixels;
  for (const target of panel.targets) {
    try {
      const result = await query(target, width);
      if (!result.length) problems.push(`${panel.title} ${target.refId}: no data`);
      if (target.format === 'table') {
        const name = panel.targets.length > 1 ? `Value #${target.refId}` : 'Value';
        if (result.length) frames.push(tableFrame(target, result, name));
      } else {
        frames.push(...result.map((series) => seriesFrame(target, series, stepFor(width, target.interval))));
      }
    } catch (error) {
      problems.push(`${panel.title} ${target.refId}: ${error.message}`);
    }
  }
  return transform(frames, panel.transformations);
}
