// Shows the API's routes with Swagger UI from this server; the sidecar's script sets SwaggerUIBundle.
const place = document.getElementById("routes");
// By night it has colours of its own, which a class of the document turns on.
const night = matchMedia("(prefers-color-scheme: dark)");
const dim = () => document.documentElement.classList.toggle("dark-mode", night.matches);
night.addEventListener("change", dim);
dim();
window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
