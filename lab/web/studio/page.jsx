// A Dashboard Studio view as Splunk Web shows it: read only, with Splunk's own renderer.
import '@fontsource/roboto/latin-400.css';
import '@fontsource/roboto/latin-500.css';
import '@fontsource/roboto/latin-700.css';

import React from 'react';
import { createRoot } from 'react-dom/client';
import { DashboardContextProvider } from '@splunk/dashboard-context';
import { DashboardCore } from '@splunk/dashboard-core';
import { SplunkThemeProvider } from '@splunk/themes';

import { preset } from './preset.js';

const { definition, root, theme } = JSON.parse(document.getElementById('dashboard').textContent);

// Splunk Web serves apps below its locale, and redirects addresses without one.
const plugin = {
    onLinkToUrl: (event) => {
        const { url, newTab } = event.payload;
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
