//! A hot request beside ever more of what must not matter to it.

use std::cell::RefCell;

use anyhow::ensure;

use super::WORKLOAD;
use super::slope::log_log;
use crate::bench::http::Connection;
use crate::bench::load::{Load, compete, remarks};
use crate::bench::part::part;
use crate::bench::record::{Bound, Record};
use crate::bench::repositories::{R3K, R10K, R30K, R100, Shape};
use crate::bench::rounds::Summary;
use crate::bench::server::{Cores, Running};
use crate::bench::stage::{HOT, Stage};
use crate::bench::workload::Context;

/// A series of servers that differ in one respect.
struct Series {
    /// What there is more and more of.
    name: &'static str,
    members: Vec<Member>,
}

struct Member {
    amount: u32,
    shape: Shape,
    /// Kept open while others are served.
    clients: u32,
}

/// A member at work.
struct Stand {
    server: Running,
    stage: Stage,
    idle: RefCell<Vec<Connection>>,
    clients: u32,
}

pub(super) fn measure(context: &Context) -> Vec<Record> {
    let of_series = |series: &Series| {
        part(WORKLOAD.name, series.name, || {
            series.record(context).map(Some)
        })
    };
    all().iter().flat_map(of_series).collect()
}

fn all() -> [Series; 4] {
    let of_shape = |amount, shape| Member {
        amount,
        shape,
        clients: 0,
    };
    let files = [R100, R3K, R10K, R30K].map(|shape| of_shape(shape.files, shape));
    let branches = [1, 100, 10_000].map(|count| of_shape(count, Shape::small(count, 0)));
    let tags = [1, 100, 10_000].map(|count| of_shape(count, Shape::small(1, count)));
    let clients = [1, 10, 100, 1_000].map(|clients| Member {
        amount: clients,
        shape: R100,
        clients,
    });
    [
        Series::new("files", files),
        Series::new("branches", branches),
        Series::new("tags", tags),
        Series::new("clients", clients),
    ]
}

impl Series {
    fn new(name: &'static str, members: impl IntoIterator<Item = Member>) -> Self {
        Self {
            name,
            members: members.into_iter().collect(),
        }
    }

    fn record(&self, context: &Context) -> anyhow::Result<Record> {
        eprintln!("W10 hot request and {}", self.name);
        let stands: anyhow::Result<Vec<_>> = self
            .members
            .iter()
            .map(|member| Stand::set(context, member))
            .collect();
        let stands = stands?;
        let loads: Vec<_> = stands
            .iter()
            .zip(&self.members)
            .map(|(stand, member)| {
                let name = format!("{} {}", member.amount, self.name);
                Load::new(&name, &stand.server, vec![HOT.to_owned()]).briefly()
            })
            .collect();
        let folder = stands[0].stage.folder();
        let contest = compete(context, WORKLOAD.name, &loads, folder, |_| {
            stands.iter().try_for_each(Stand::keep_clients)
        })?;
        let costs: anyhow::Result<Vec<_>> = (0..loads.len())
            .map(|number| contest.figure(number, |turn| turn.cpu_us))
            .collect();
        let costs = costs?;
        let slopes = self.slopes(&costs)?;
        let points = self.members.iter().zip(&costs);
        let points = points.map(|(member, cost)| [f64::from(member.amount), cost.median]);
        Ok(Record::new(
            WORKLOAD.name,
            self.name,
            "CPU per hot request, log-log slope",
        )
        .figure(&Summary::of(slopes)?, "")
        .curve(points.collect())
        .target(Bound::AtMost(0.02))
        .note(remarks(context, &contest)))
    }

    /// One for each round.
    fn slopes(&self, costs: &[Summary]) -> anyhow::Result<Vec<f64>> {
        (0..costs[0].values.len())
            .map(|round| {
                let costs = costs.iter().map(|cost| cost.values[round]);
                let amounts = self.members.iter().map(|member| f64::from(member.amount));
                log_log(&amounts.zip(costs).collect::<Vec<_>>())
            })
            .collect()
    }
}

impl Stand {
    fn set(context: &Context, member: &Member) -> anyhow::Result<Self> {
        let stage = Stage::new(context, &member.shape)?;
        // Nothing looks at the remote while something is measured.
        let settings = ["--spring.cloud.config.server.git.refresh-rate=-1"];
        Ok(Self {
            server: stage.confbus(context, Cores::Split, &settings)?,
            stage,
            idle: RefCell::default(),
            clients: member.clients,
        })
    }

    /// All clients ask once, so that none of them is let go for silence.
    fn keep_clients(&self) -> anyhow::Result<()> {
        let mut idle = self.idle.borrow_mut();
        idle.retain_mut(|client| client.get(HOT).is_ok());
        while idle.len() < self.clients as usize {
            let mut client = Connection::open(self.server.port)?;
            ensure!(client.get(HOT)?.status == 200, "a client is turned away");
            idle.push(client);
        }
        Ok(())
    }
}
