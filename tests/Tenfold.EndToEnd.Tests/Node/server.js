// A service that knows nothing of Tenfold but the instance contract.
const http = require('node:http');

const name = process.env.TENFOLD_INSTANCE;
const server = http.createServer((request, response) => {
  if (request.url === '/health') return response.end('ok');
  if (request.url === '/die') return process.exit(1);
  if (request.url === '/slow') return setTimeout(() => response.end(name), 1000);
  response.end(name);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`${name} listens on ${process.env.PORT}`));
process.on('SIGTERM', () => {
  console.log(`${name} drains`);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
