// Starts Swagger UI. No validator badge: it would send the page's address to another server.

const { openapi, server } = document.body.dataset;

// Send requests to where this page came from, also behind a proxy that puts a prefix in front.
const hereOnly = {
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (original) => (spec) => original({ ...spec, servers: [{ url: server }] }),
      },
    },
  },
};

window.ui = SwaggerUIBundle({
  url: openapi,
  dom_id: "#swagger-ui",
  plugins: [() => hereOnly],
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
});
