// What Splunk's packages say about a definition, for the tests.
import { createSchemaBasedOnPresets } from '@splunk/dashboard-definition';
import { DataFrame } from '@splunk/visualization-encoding/DataFrame';
import { DataPoint } from '@splunk/visualization-encoding/DataPoint';
import { DataSeries } from '@splunk/visualization-encoding/DataSeries';
import { DslParser } from '@splunk/visualization-encoding/DslParser';
import { formatterClasses } from '@splunk/visualization-encoding/FormatterPresets';

import { preset } from './preset.js';

const CALL = /\|\s*([A-Za-z_]\w*)\s*\(/g;

const KNOWN = new Set([
    ...Object.keys(formatterClasses),
    ...[DataFrame, DataSeries, DataPoint].flatMap((type) => Object.getOwnPropertyNames(type.prototype)),
]);

/** The JSON Schema of a definition: draft 7. */
export const schema = () => createSchemaBasedOnPresets(preset);

/** The types that exist: visualizations, inputs, data sources, event handlers, layouts. */
export const types = () => Object.fromEntries(Object.entries(preset).map(([kind, named]) => [kind, Object.keys(named)]));

/**
 * What is wrong with dynamic options ("> primary | seriesByName('x')"), one text for each.
 * @param {string[]} texts the options.
 */
export function problems(texts) {
    return texts.flatMap((text) => {
        const found = [...text.matchAll(CALL)].map((match) => match[1]).filter((name) => !KNOWN.has(name));
        const unknown = found.map((name) => `${text}: there is no function ${name}()`);
        try {
            const parsed = DslParser.parse(text.replace(/^\s*>\s*/, ''));
            return parsed && !(Array.isArray(parsed) && parsed.length === 0) ? unknown : [`${text}: is not understood`, ...unknown];
        } catch (error) {
            return [`${text}: ${String(error.message).split('\n')[0]}`, ...unknown];
        }
    });
}
