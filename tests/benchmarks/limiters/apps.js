// Real rate limiters of Node: node apps.js NAME PORT. `/items/ANYTHING` has ten requests in four seconds.
const express = require("express");
const [, , name, port] = process.argv;
const app = express();
if (name === "express-rate-limit") {
  const { rateLimit } = require("express-rate-limit");
  app.use(rateLimit({ windowMs: 4000, limit: 10, standardHeaders: "draft-8", legacyHeaders: false }));
} else {
  const { RateLimiterMemory } = require("rate-limiter-flexible");
  const limiter = new RateLimiterMemory({ points: 10, duration: 4 });
  // As its README has it.
  app.use((request, response, next) => {
    limiter.consume(request.socket.remoteAddress).then(
      () => next(),
      (refusal) => response.set("Retry-After", refusal.msBeforeNext / 1000).status(429).send("Too Many Requests"),
    );
  });
}
app.get("/items/:item", (request, response) => response.send("item"));
app.listen(Number(port), "127.0.0.1");
