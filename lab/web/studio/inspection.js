// What Splunk's packages say about a definition, for the tests.
import { createSchemaBasedOnPresets } from '@splunk/dashboard-definition';
import * as frames from '@splunk/visualization-encoding/DataFrame';
import * as points from '@splunk/visualization-encoding/DataPoint';
import * as series from '@splunk/visualization-encoding/DataSeries';
import { DslParser } from '@splunk/visualization-encoding/DslParser';
import * as formatters from '@splunk/visualization-encoding/FormatterPresets';

import { preset } from './preset.js';

const CALL = /\|\s*([A-Za-z_]\w*)\s*\(/g;

function methods(module, name) {
    const found = [];
    const type = module[name] ?? module.default?.[name] ?? module.default;
    for (let at = type.prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) found.push(...Object.getOwnPropertyNames(at));
    return found;
}

function functions() {
    const given = formatters.default?.default ?? formatters.default ?? formatters;
    return new Set([
        ...Object.keys(given),
        ...methods(frames, 'DataFrame'),
        ...methods(series, 'DataSeries'),
        ...methods(points, 'DataPoint'),
    ]);
}

/** The JSON Schema of a definition: draft 7. */
export const schema = () => createSchemaBasedOnPresets(preset);

/** The types that exist: visualizations, inputs, data sources, event handlers, layouts. */
export const types = () => Object.fromEntries(Object.entries(preset).map(([kind, named]) => [kind, Object.keys(named)]));

/**
 * What is wrong with dynamic options ("> primary | seriesByName('x')"), one text for each.
 * @param {string[]} texts the options.
 */
export function problems(texts) {
    const known = functions();
    return texts.flatMap((text) => {
        const found = [...text.matchAll(CALL)].map((match) => match[1]).filter((name) => !known.has(name));
        const unknown = found.map((name) => `${text}: there is no function ${name}()`);
        try {
            const parsed = DslParser.parse(text.replace(/^\s*>\s*/, ''));
            return parsed && !(Array.isArray(parsed) && parsed.length === 0) ? unknown : [`${text}: is not understood`, ...unknown];
        } catch (error) {
            return [`${text}: ${String(error.message).split('\n')[0]}`, ...unknown];
        }
    });
}
