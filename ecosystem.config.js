// PM2: `pm2 start ecosystem.config.js`, from the project's root. gunicorn and the listener see to their own
// workers, so PM2 starts one of each (a second listener stands by), and SIGTERM ends them in good order.
const python = process.env.RELAY_PYTHON || ".venv/bin/python";
const settings = { REDIS_URL: "redis://127.0.0.1:6379", ...process.env };
const common = {
  interpreter: "none",
  script: python,
  cwd: __dirname,
  env: settings,
  // PM2 would send SIGINT, at which gunicorn drops its clients.
  kill_signal: "SIGTERM",
  // DRAIN_DELAY and 20 seconds for goodbyes.
  kill_timeout: 1000 * (Number(process.env.DRAIN_DELAY || 0) + 20),
  // A wrong setting ends a program with 2: starting it again would change nothing.
  stop_exit_codes: [2],
  exp_backoff_restart_delay: 500,
};
// Two listeners cannot have one port: the second one gets the next.
const metrics = Number(process.env.METRICS_PORT) > 0 ? { increment_var: "METRICS_PORT" } : {};

module.exports = {
  apps: [
    { ...common, ...metrics, name: "relay-listener", args: "-m relay listener", instances: 2, exec_mode: "fork" },
    { ...common, name: "relay-web", args: "-m relay web", exec_mode: "fork" },
  ],
};
