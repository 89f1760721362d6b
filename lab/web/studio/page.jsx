// A Dashboard Studio view as Splunk Web shows it: read only, with Splunk's own renderer.
import './fonts.css';

import React from 'react';
import { createRoot } from 'react-dom/client';
import { DashboardContextProvider } from '@splunk/dashboard-context';
import { DashboardCore } from '@splunk/dashboard-core';
import { mapURLToTokens } from '@splunk/dashboard-utils';
import { SplunkThemeProvider } from '@splunk/themes';

import { preset } from './preset.js';

const { definition, root, theme } = JSON.parse(document.getElementById('dashboard').textContent);

// An address may name what inputs begin with: ?form.<token>=<value>, and for a time range form.<token>.earliest, .latest.
const asked = mapURLToTokens({ search: window.location.search }).default;
for (const { type, options } of Object.values(definition.inputs ?? {})) {
    const { token, defaultValue } = options;
    if (type === 'input.timerange') {
        const [earliest, latest] = defaultValue.split(',');
        options.defaultValue = `${asked[`${token}.earliest`] ?? earliest},${asked[`${token}.latest`] ?? latest}`;
    } else {
        options.defaultValue = asked[token] ?? defaultValue;
    }
}

// Splunk Web serves apps below its locale, and redirects addresses without one.
const plugin = {
    onLinkToUrl: (event) => {
        const { url, newTab } = event;
        event.preventDefault();
        window.open(url.startsWith('/app/') ? root + url : url, newTab ? '_blank' : '_self');
    },
};

// What is wrong with a definition is no picture: it goes where tests and people look for it.
const complain = (errors) => [errors].flat().filter(Boolean).forEach((error) => console.error('definition:', JSON.stringify(error)));

const page = window.__splunk_layout__.create().getContainerElement();
page.classList.add('lab-dashboard');
createRoot(page).render(
    <SplunkThemeProvider family="enterprise" colorScheme={theme} density="compact">
        <DashboardContextProvider
            preset={preset}
            initialDefinition={definition}
            dashboardPlugin={plugin}
            timezone={{ ianaTimezone: 'UTC', utcOffset: 0 }}
        >
            <DashboardCore width="100%" height="100%" onValidationError={complain} />
        </DashboardContextProvider>
    </SplunkThemeProvider>
);
