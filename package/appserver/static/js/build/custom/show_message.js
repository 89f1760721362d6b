// What is wrong stands at the top of a dialog, out of sight when the dialog is scrolled: bring it into view.
const MESSAGE = '[data-test="modal"] [data-test="message"][data-test-type="error"]';

let shown = null;
let watching = false;

function look() {
    const message = document.querySelector(MESSAGE);
    if (message && message !== shown) message.scrollIntoView({ block: 'center' });
    shown = message;
}

export default class ShowMessage {
    onCreate() {
        if (watching) return;
        watching = true;
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    }
}
