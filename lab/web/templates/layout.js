// What Splunk Web's layout leaves in the window: a bar on top and an element for the page.
(function () {
    const bar = {{ bar|tojson }};
    function link(label, address, className) {
        const element = document.createElement('a');
        element.textContent = label;
        element.href = address;
        if (className) element.className = className;
        return element;
    }
    function create() {
        const style = document.createElement('link');
        style.rel = 'stylesheet';
        style.href = bar.style;
        document.head.append(style);
        document.documentElement.dataset.theme = bar.theme;
        const header = document.createElement('header');
        header.setAttribute('data-view', 'splunkjs/mvc/headerview');
        header.className = 'lab-bar';
        header.append(link('Stand-in Splunk', bar.home, 'lab-brand'), link(bar.app, bar.home, 'lab-app'));
        bar.views.forEach(function (view) {
            const current = window.location.pathname === view.address;
            header.append(link(view.label, view.address, current ? 'lab-current' : ''));
        });
        const end = document.createElement('span');
        end.className = 'lab-end';
        end.append(link(bar.otherTheme.label, bar.otherTheme.address + encodeURIComponent(window.location.pathname)), link(bar.user, bar.signOut));
        header.append(end);
        const container = document.createElement('div');
        container.id = 'lab-page';
        document.body.append(header, container);
        return {
            getContainerElement: function () { return container; },
            remove: function () { header.remove(); container.remove(); },
            setOptions: function () {},
        };
    }
    window.__splunk_layout__ = { create: create };
    window.__splunk_layout__.default = window.__splunk_layout__;
})();
