// Start Swagger UI on the gateway's description. The description is ours, so nothing is sent to a validator.

const DESCRIPTION = "/api/openapi.json";

// This Swagger UI reads OpenAPI 3.0 and refuses anything that calls itself newer. Our descriptions use nothing
// that 3.1 changed, so they are shown to it under the older name.
function nameAsReadable(response) {
  if (response.ok && response.url.endsWith(DESCRIPTION)) {
    response.text = JSON.stringify({ ...JSON.parse(response.text), openapi: "3.0.3" });
  }
  return response;
}

SwaggerUIBundle({
  dom_id: "#explorer",
  url: DESCRIPTION,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor: nameAsReadable,
});
