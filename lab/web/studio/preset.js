// Splunk Enterprise's visualizations, inputs, data sources and layouts, for reading.
import EnterpriseViewOnlyPreset from '@splunk/dashboard-presets/EnterpriseViewOnlyPreset';

// In a module of type "module" the bundler hands over the CommonJS exports as they are.
export const preset = EnterpriseViewOnlyPreset.default ?? EnterpriseViewOnlyPreset;
