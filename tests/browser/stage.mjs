// A real server with a real repository, and instances that say what they run.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const identity = ["-c", "user.name=Ana Petrov", "-c", "user.email=ana@acme.example"];
export const canary = "canary-in-a-value-7f31";

export class Stage {
  static async start(program) {
    const stage = new Stage();
    stage.program = program;
    stage.folder = mkdtempSync(join(tmpdir(), "acme-"));
    stage.repository = join(stage.folder, "config");
    cpSync(join(here, "../../sample-repo"), stage.repository, { recursive: true });
    stage.git("init", "--quiet", "--initial-branch=main");
    stage.push("first", { "orders.yml": `limit: 1\npassword: ${canary}\n` });
    await stage.serve(await freePort());
    return stage;
  }

  git(...args) {
    return execFileSync("git", [...identity, ...args], { cwd: this.repository, encoding: "utf8" }).trim();
  }

  push(message, files) {
    for (const [path, text] of Object.entries(files)) writeFileSync(join(this.repository, path), text);
    this.git("add", "--all");
    this.git("commit", "--quiet", "--message", message);
    return this.git("rev-parse", "HEAD");
  }

  async serve(port) {
    this.server = spawn(this.program, [
      "serve", "--server.address=127.0.0.1", `--server.port=${port}`,
      `--spring.cloud.config.server.git.uri=${this.repository}`,
      `--spring.cloud.config.server.git.basedir=${join(this.folder, "clones")}`,
      "--spring.cloud.config.server.git.refresh-rate=1",
      "--confbus.ui.name=prod-eu", "--confbus.ui.color=red", "--log-format=text",
    ]);
    this.log = "";
    const hear = (text) => { this.log += text; };
    this.server.stdout.on("data", hear);
    this.server.stderr.on("data", hear);
    await until("the server listens", () => /listening[^\n]*:\d+/.test(this.log));
    this.port = Number(this.log.match(/listening[^\n]*:(\d+)/)[1]);
    this.url = `http://127.0.0.1:${this.port}`;
    await until("an answer", async () => (await this.get("/orders/dev")).ok);
  }

  stop() {
    return new Promise((done) => {
      this.server.once("exit", done);
      this.server.kill("SIGTERM");
    });
  }

  async end() {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  get(path, headers = {}) {
    return fetch(this.url + path, { headers });
  }

  async serves(commit) {
    await until(`commit ${commit}`, async () => (await (await this.get("/orders/dev")).json()).version === commit);
  }

  read(application, instance) {
    return this.get(`/${application}/dev`, { "X-Config-Instance": instance });
  }

  async report(application, instance, version, reason) {
    const outcome = reason ? { outcome: "rejected", reason } : { outcome: "applied", restart: [] };
    const body = { instance, application, profiles: "dev", label: null, version, running: reason ? null : version, transport: "stream", poll_seconds: null, ...outcome };
    const answer = await fetch(`${this.url}/confbus/reports`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
    if (answer.status !== 204) throw new Error(`a report was refused: ${answer.status} ${await answer.text()}`);
  }
}

// Looks again and again until something holds.
export async function until(what, holds, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error(`never saw ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// What a server keeps belongs to its port, so it is the same after a restart.
function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
