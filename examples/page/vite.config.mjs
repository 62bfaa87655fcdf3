// Weft needs nothing of a bundler. These two headers make the page isolated, so that its programs may have threads.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default { base: "./", server: { headers }, preview: { headers } };
