window.$C = {{ config|tojson }};
window.__splunkd_partials__ = {};
