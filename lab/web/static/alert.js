// The alert form as Splunk's editor treats it: values of the saved search go in, what the form holds is saved with it.
const settings = JSON.parse(document.getElementById('settings').textContent);
const raw = settings.root + '/splunkd/__raw';
const form = document.getElementById('alert-form');
const searchName = document.getElementById('search-name');
const save = document.getElementById('save');
const runNow = document.getElementById('run-now');

async function splunkd(path, fields) {
    const query = path.includes('?') ? '&' : '?';
    const headers = { 'X-Requested-With': 'XMLHttpRequest', 'X-Splunk-Form-Key': settings.formKey };
    const options = fields ? { method: 'POST', body: new URLSearchParams(fields), headers } : { headers };
    const answer = await fetch(raw + path + query + 'output_mode=json', options);
    const document = await answer.json();
    if (!answer.ok) {
        throw new Error(document.messages.map(function (message) { return message.text; }).join(' '));
    }
    return document;
}

// A list that a search fills; what was saved stays a choice even if the search does not find it. With
// allow-custom-value it is a field to type in, with the list beside it.
class SearchDropdown extends HTMLElement {
    connectedCallback() {
        const free = this.getAttribute('allow-custom-value') === 'true';
        this.control = document.createElement(free ? 'input' : 'select');
        this.control.id = this.id;
        this.removeAttribute('id');
        this.list = free ? document.createElement('datalist') : this.control;
        this.note = document.createElement('span');
        if (free) {
            this.list.id = this.control.id + '_choices';
            this.control.setAttribute('list', this.list.id);
            this.append(this.list);
        } else {
            this.offer('', '');
        }
        this.append(this.control, this.note);
        this.filled = this.fill();
    }
    get value() { return this.control.value; }
    set value(value) {
        if (this.list === this.control) this.offer(value, value);
        this.control.value = value;
    }
    offer(value, label) {
        const known = Array.from(this.list.options).find(function (option) { return option.value === value; });
        if (known) known.textContent = label;
        else this.list.append(new Option(label, value));
    }
    async fill() {
        const search = { search: this.getAttribute('search'), exec_mode: 'oneshot', count: '0' };
        try {
            const owner = encodeURIComponent(settings.user);
            const found = await splunkd('/servicesNS/' + owner + '/' + settings.app + '/search/jobs', search);
            found.results.forEach((row) => {
                const value = row[this.getAttribute('value-field')];
                if (value) this.offer(value, row[this.getAttribute('label-field')] || value);
            });
        } catch (error) {
            this.note.textContent = 'The choices could not be searched: ' + error.message;
            this.note.className = 'refused';
        }
    }
}
customElements.define('splunk-search-dropdown', SearchDropdown);

function controls() {
    return Array.from(form.querySelectorAll('[name^="action."]'));
}

function put(control, value) {
    if (control.type === 'checkbox') control.checked = ['1', 'true'].includes(value);
    else if (control.type === 'radio') control.checked = control.value === value;
    else control.value = value;
}

function held(control) {
    if (control.type === 'checkbox') return control.checked ? '1' : '0';
    return control.value;
}

function searches(name) {
    const owner = '/servicesNS/' + encodeURIComponent(settings.user) + '/' + settings.searchApp + '/saved/searches';
    return name === undefined ? owner : owner + '/' + encodeURIComponent(name);
}

async function saved() {
    const found = await splunkd(searches() + '?count=0');
    return found.entry.find(function (entry) { return entry.name === searchName.value; });
}

function actionsOf(search) {
    return (search.content.actions || '').split(',').map((name) => name.trim()).filter(Boolean);
}

async function load() {
    const conf = '/servicesNS/nobody/' + settings.app + '/configs/conf-alert_actions/' + settings.action;
    const defaults = (await splunkd(conf)).entry[0].content;
    const search = await saved();
    const prefix = 'action.' + settings.action + '.';
    controls().forEach(function (control) {
        const name = control.getAttribute('name');
        const value = search && search.content[name] !== undefined ? search.content[name] : defaults[name.slice(prefix.length)];
        if (value !== undefined && value !== null) put(control, String(value));
    });
    runNow.disabled = !(search && actionsOf(search).includes(settings.action));
}

function say(text, kind) {
    const message = document.getElementById('message');
    message.textContent = text;
    message.className = kind;
}

save.addEventListener('click', async function () {
    const fields = {};
    fields['action.' + settings.action] = '1';
    controls().forEach(function (control) {
        if (control.type !== 'radio' || control.checked) fields[control.getAttribute('name')] = held(control);
    });
    try {
        const search = await saved();
        // The search keeps what other actions it has.
        fields.actions = Array.from(new Set([...(search ? actionsOf(search) : []), settings.action])).join(',');
        if (search) await splunkd(searches(searchName.value), fields);
        else await splunkd(searches(), { ...fields, name: searchName.value, search: 'index=notable' });
        say('Saved.', 'good');
        runNow.disabled = false;
    } catch (error) {
        say(error.message, 'refused');
    }
});

document.getElementById('run').addEventListener('submit', function (event) {
    event.target.elements.name.value = searchName.value;
    say('The action runs …', 'soft');
});

load().then(function () { form.dataset.ready = 'true'; }, function (error) { say(error.message, 'refused'); });
