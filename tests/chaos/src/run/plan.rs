//! What may fail, how likely, and what is pushed meanwhile.

use std::time::Duration;

use fastrand::Rng;

use crate::checker::Bounds;
use crate::proxy::Manner;
use crate::rig::{APPLICATIONS, Rig, State};

/// Each so many steps nothing fails.
pub(super) const CALM_EACH: u32 = 6;

/// Something that fails for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The way to the Git remote.
    Git(&'static str, Manner),
    /// The way to the broker.
    Bus(&'static str, Manner),
    /// All connections to the broker, once.
    BusCut,
    /// The broker itself, with all it knows.
    Broker,
    /// A server is killed.
    Kill(usize),
    /// A server is halted.
    Pause(usize),
}

impl Fault {
    pub(super) fn choose(rng: &mut Rng, servers: usize) -> Self {
        let server = rng.usize(..servers);
        match rng.u8(..24) {
            0..2 => Self::Git("git-refuses", Manner::Refuse),
            2..4 => Self::Git("git-silent", Manner::BlackHole),
            4..6 => Self::Git("git-drips", Manner::Drip(Duration::from_millis(100))),
            6..8 => Self::Git("git-cut", Manner::CutAfter(rng.u64(1..2_000))),
            8..10 => Self::Git("git-flipped", Manner::Flip(rng.u64(50..500))),
            10 => Self::Git("git-slow", Manner::Delay(Duration::from_millis(300))),
            11..13 => Self::Bus("bus-refuses", Manner::Refuse),
            13..15 => Self::Bus("bus-silent", Manner::BlackHole),
            15 => Self::Bus("bus-slow", Manner::Delay(Duration::from_millis(300))),
            16..18 => Self::BusCut,
            18 => Self::Broker,
            19..22 => Self::Kill(server),
            _ => Self::Pause(server),
        }
    }

    /// One after which the servers are the same processes, and that begins and ends at once.
    pub(super) fn choose_passing(rng: &mut Rng, servers: usize) -> Self {
        loop {
            let fault = Self::choose(rng, servers);
            if !matches!(fault, Self::Kill(_) | Self::Broker) {
                return fault;
            }
        }
    }

    /// Lasts for some seconds of pushes.
    pub(super) async fn last(self, rig: &mut Rig, rng: &mut Rng) -> anyhow::Result<()> {
        self.begin(rig).await?;
        for _ in 0..rng.u8(2..6) {
            push(rig, rng).await?;
            let pause = Duration::from_millis(rng.u64(100..1_000));
            tokio::time::sleep(pause).await;
        }
        self.end(rig).await?;
        // Something arrives between two faults, more often than not.
        let pause = Duration::from_millis(rng.u64(..1_500));
        tokio::time::sleep(pause).await;
        Ok(())
    }

    pub(super) async fn begin(self, rig: &mut Rig) -> anyhow::Result<()> {
        match self {
            Self::Kill(server) => return rig.servers[server].kill(),
            Self::Pause(server) => return rig.servers[server].pause(),
            _ => rig.note_fault(self.name(), true),
        }
        match self {
            Self::Git(_, manner) => rig.git.set(manner),
            Self::Bus(_, manner) => rig.bus.set(manner),
            Self::Broker => rig.broker.stop().await?,
            Self::BusCut | Self::Kill(_) | Self::Pause(_) => rig.bus.cut(),
        }
        Ok(())
    }

    pub(super) async fn end(self, rig: &mut Rig) -> anyhow::Result<()> {
        match self {
            Self::Kill(server) => return rig.servers[server].start().await.map(|_| ()),
            Self::Pause(server) => return rig.servers[server].go_on(),
            Self::Git(..) => rig.git.set(Manner::Pass),
            Self::Bus(..) => rig.bus.set(Manner::Pass),
            Self::Broker => rig.broker.start_again().await?,
            Self::BusCut => {}
        }
        rig.note_fault(self.name(), false);
        Ok(())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Git(name, _) | Self::Bus(name, _) => name,
            Self::BusCut => "bus-cut",
            Self::Broker => "broker-stopped",
            Self::Kill(_) => "server-killed",
            Self::Pause(_) => "server-halted",
        }
    }
}

/// Nothing fails, and what is pushed has time to reach everybody.
pub(super) async fn calm(rig: &mut Rig) -> anyhow::Result<()> {
    let push = rig.repository.push_all()?;
    rig.tell(0, &push).await?;
    // Who is late then is a lost refresh, which the checker finds.
    _ = rig.settle(Bounds::default().calm).await;
    Ok(())
}

/// One push of any kind, of which one server is told, more often than not.
pub(super) async fn push(rig: &mut Rig, rng: &mut Rng) -> anyhow::Result<()> {
    let application = APPLICATIONS[rng.usize(..APPLICATIONS.len())];
    let push = match rng.u8(..20) {
        0..2 => rig.repository.push(application, State::Broken)?,
        2 => rig.repository.push(application, State::Unfit)?,
        3 => rig.repository.rewrite(application, rng.usize(1..3))?,
        4 => rig.repository.go_back(rng.usize(1..4))?,
        5..7 => rig.repository.push_shared()?,
        7 => rig.repository.push_all()?,
        _ => rig.repository.push(application, State::Good)?,
    };
    if rng.u8(..10) < 7 {
        // It may be down, and then nobody is told.
        _ = rig.tell(rng.usize(..rig.servers.len()), &push).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_plan() {
        let plan = |seed| {
            let mut rng = Rng::with_seed(seed);
            let fault = |_| Fault::choose(&mut rng, 2);
            (0..50).map(fault).collect::<Vec<_>>()
        };
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        let names: std::collections::BTreeSet<_> = plan(7)
            .into_iter()
            .chain(plan(8))
            .map(Fault::name)
            .collect();
        assert!(names.len() > 8, "{names:?}");
    }
}
