// What the packages expect of node.
export const process = { env: { NODE_ENV: 'production' }, nextTick: (callback) => setTimeout(callback, 0) };
