// Each request takes about 3 ms of processor time: a few dozen a second fill an instance of a fifth of a core.
const http = require('node:http');

const name = process.env.TENFOLD_INSTANCE;
const work = () => {
  const start = process.cpuUsage();
  for (let x = 0; ;) {
    for (let i = 0; i < 20000; i++) x += Math.sqrt(i);
    const used = process.cpuUsage(start);
    if (used.user + used.system > 3000) return x;
  }
};
const server = http.createServer((request, response) => {
  if (request.url !== '/health') work();
  response.end(name);
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
