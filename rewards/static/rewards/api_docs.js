// Shows the API's routes with Swagger UI from this server; the sidecar's script sets SwaggerUIBundle.
const place = document.getElementById("routes");
window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
