// The rows of JSON Web Tokens: one for each algorithm.

const row = (algorithm) => ({
  id: `jwt-${algorithm.toLowerCase()}`,
  field: 'jwt',
  title: `verify ${algorithm}`,
  algorithm,
});

export const JWT_ROWS = ['HS256', 'RS256', 'ES256', 'EdDSA'].map(row);
