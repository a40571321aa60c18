//! A push: from the webhook until every instance runs the commit, and until the server knows that.

#[cfg(test)]
mod tests;

use std::time::Duration;

use confbus_protocol::BusId;

use super::engine::World;
use super::outcome::{Cpu, Outcome, peak};
use super::pace::Pace;
use super::parameters::{Costs, Network, Parameters};
use super::scenario::{Connections, Place, Scenario, Way};
use super::site::Site;

/// What an instance does before its question is out; the rest of its work comes behind the answer.
const BEFORE_QUESTION: f64 = 0.5;

/// What happens, to which instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Published,
    Delivered(usize),
    /// The server's ack of its own event, which every member of the bus hears.
    Acked(usize),
    Heard(usize),
    /// Its turn within the window has come.
    Due(usize),
    Received(usize),
    Answered(usize),
    Applied(usize),
    ReportDue(usize),
    ReportReceived(usize),
    Reported,
    /// The end of what nobody waits for.
    Over,
}

/// Simulates one push.
pub(super) fn simulate(parameters: &Parameters, scenario: &Scenario) -> Outcome {
    let mut push = Push::new(parameters, scenario);
    while let Some(step) = push.world.next() {
        push.take(step);
    }
    push.outcome()
}

struct Push<'a> {
    costs: Costs,
    network: Network,
    scenario: &'a Scenario,
    site: Site,
    world: World<Step>,
    /// After which pause each reports what it has applied.
    reports: Vec<f64>,
    /// Which applications have an answer that is kept.
    made: Vec<bool>,
    requested: Vec<f64>,
    applied: Vec<f64>,
    converged: f64,
    cpu: Cpu,
    messages: u64,
}

impl<'a> Push<'a> {
    fn new(parameters: &Parameters, scenario: &'a Scenario) -> Self {
        let instances = scenario.instances;
        let costs = *parameters.costs(scenario.way);
        let costs = match scenario.place {
            Place::Together => costs.crowded(instances),
            Place::Apart { .. } => costs,
        };
        let site = Site::new(parameters, scenario);
        let mut world = World::new(&site.machines());
        world.after(costs.look, Step::Published);
        Self {
            costs,
            network: parameters.network,
            scenario,
            site,
            world,
            reports: vec![0.0; instances],
            made: vec![false; instances.div_ceil(scenario.of_an_application)],
            requested: Vec::with_capacity(instances),
            applied: Vec::with_capacity(instances),
            converged: 0.0,
            cpu: Cpu::default(),
            messages: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Published => self.publish(),
            Step::Delivered(of) => self.hear(of),
            Step::Acked(of) => self.client(of, self.costs.hear, Step::Over),
            Step::Heard(of) => {
                let pause = self.pause(of);
                self.world.after(pause, Step::Due(of));
            }
            Step::Due(of) => self.client(of, self.before(), Step::Received(of)),
            Step::Received(of) => self.answer(of),
            Step::Answered(of) => self.apply(of),
            Step::Applied(of) => {
                self.applied.push(self.world.now());
                self.world.after(self.reports[of], Step::ReportDue(of));
            }
            Step::ReportDue(of) => self.client(of, self.costs.post, Step::ReportReceived(of)),
            Step::ReportReceived(of) => {
                self.serve(of, self.costs.report, Step::Reported);
            }
            Step::Reported => self.converged = self.world.now(),
            Step::Over => {}
        }
    }

    /// To all one after the other, and the acks behind that.
    fn publish(&mut self) {
        let aside = self.costs.aside;
        self.cpu.broker += self.costs.tidy * self.scenario.instances as f64;
        self.cpu.server += self.costs.look_cpu + aside;
        self.world.work(self.site.aside(), aside, Step::Over);
        for of in 0..self.scenario.instances {
            self.deliver(of, Step::Delivered(of));
        }
        for _ack in 1..self.costs.messages {
            for of in 0..self.scenario.instances {
                self.deliver(of, Step::Acked(of));
            }
        }
    }

    fn deliver(&mut self, of: usize, step: Step) {
        self.messages += 1;
        let work = self.costs.delivery;
        match self.scenario.way {
            Way::Stream => self.serve(of, work, step),
            Way::Rabbit => {
                self.cpu.broker += work;
                self.world.work(self.site.broker(of), work, step);
            }
        }
    }

    fn hear(&mut self, of: usize) {
        match self.site.clients(of) {
            Some(_) => self.client(of, self.costs.hear, Step::Heard(of)),
            None => {
                let work = self.costs.hear + self.before();
                self.cpu.clients += work;
                let ways = self.site.hop() + self.ways_to_server();
                let pause = self.pause(of);
                self.world.after(work + ways + pause, Step::Received(of));
            }
        }
    }

    fn answer(&mut self, of: usize) {
        self.requested.push(self.world.now());
        let is_made = &mut self.made[of / self.scenario.of_an_application];
        let answer = match std::mem::replace(is_made, true) {
            true => self.costs.kept,
            false => self.costs.made,
        };
        self.serve(of, answer + self.to_connect(), Step::Answered(of));
    }

    fn apply(&mut self, of: usize) {
        let rest = self.costs.apply * (1.0 - BEFORE_QUESTION);
        match self.site.clients(of) {
            Some(_) => self.client(of, rest, Step::Applied(of)),
            None => {
                self.cpu.clients += rest + self.costs.post;
                let ready = self.site.hop() + rest;
                self.applied.push(self.world.now() + ready);
                let report = self.reports[of] + self.costs.post + self.ways_to_server();
                self.world.after(ready + report, Step::ReportReceived(of));
            }
        }
    }

    fn serve(&mut self, of: usize, work: f64, step: Step) {
        self.cpu.server += work;
        self.world.work(self.site.server(of), work, step);
    }

    /// What an instance does; the end is of interest only where machines are shared.
    fn client(&mut self, of: usize, work: f64, step: Step) {
        self.cpu.clients += work;
        if let Some(worker) = self.site.clients(of) {
            self.world.work(worker, work, step);
        }
    }

    /// What an instance does before its question is out.
    fn before(&self) -> f64 {
        self.costs.apply * BEFORE_QUESTION
    }

    /// Until its turn to ask, by the client's own rule, which also says when it is to report.
    fn pause(&mut self, of: usize) -> f64 {
        let application = of / self.scenario.of_an_application;
        let id = BusId::new(format!("app{application:04}:prod:{of}"))
            .expect("no part is empty and none is a pattern");
        let window = self.scenario.window();
        let pace = Pace::new(&id, window);
        let pause = pace.until_asked(window);
        self.reports[of] = millis(pace.until_reported());
        millis(pause)
    }

    /// To the server, by way of a connection that may have to be made first.
    fn ways_to_server(&self) -> f64 {
        let before = match self.scenario.connections {
            Connections::Kept => 0.0,
            Connections::New => 2.0,
            Connections::Tls => 4.0,
        };
        self.site.hop() * (1.0 + before)
    }

    /// What a connection costs the server.
    fn to_connect(&self) -> f64 {
        let Network {
            connect, handshake, ..
        } = self.network;
        match self.scenario.connections {
            Connections::Kept => 0.0,
            Connections::New => connect,
            Connections::Tls => connect + handshake,
        }
    }

    fn outcome(mut self) -> Outcome {
        self.applied.sort_by(f64::total_cmp);
        let reads = self.requested.len();
        let Network {
            answer_bytes,
            event_bytes,
            ..
        } = self.network;
        Outcome {
            window: self.scenario.window(),
            peak: peak(&self.requested),
            reads,
            messages: self.messages,
            bytes: reads as u64 * answer_bytes + self.messages * event_bytes,
            applied: self.applied,
            converged: self.converged,
            cpu: self.cpu,
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
