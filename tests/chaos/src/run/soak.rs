//! A long run with a commit each second, and what servers take of the machine meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fastrand::Rng;
use tokio::task::JoinHandle;

use super::plan::{self, Fault};
use super::{Plan, Report, conclude};
use crate::figure::{Figure, percentile};
use crate::rig::{Rig, Server, Start, Tools, Usage};

const SECOND: Duration = Duration::from_secs(1);
/// A fault begins each so many seconds, and lasts for so many.
const EACH: u32 = 20;
const LASTS: u32 = 8;
/// Seconds after a fault in which things are as they were before it.
const AFTER: u32 = 6;
/// The share of the run in which servers fill what they keep.
const WARM_UP: f64 = 0.1;
/// In MiB for ten minutes.
const STEEPEST: f64 = 1.0;
/// Servers have filled what they keep after some seven minutes of commits; a shorter run is mostly that, and is not judged
/// by its slope.
const JUDGED: Duration = Duration::from_secs(25 * 60);
/// Threads and descriptors that come and go with requests.
const SPARE: f64 = 2.0;

/// What servers took at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    seconds: f64,
    /// Whether nothing had failed for a while.
    calm: bool,
    usage: Usage,
}

type Samples = Arc<Mutex<Vec<Vec<Sample>>>>;

/// Pushes each second while things fail, and says what became of memory, descriptors and threads.
///
/// # Errors
/// When the rig cannot be set up or a part of it is lost; growth is in the report.
pub async fn soak(tools: &Tools, plan: &Plan) -> anyhow::Result<Report> {
    let mut rng = Rng::with_seed(plan.seed);
    let name = "soak";
    let mut rig = Rig::start(tools, name, Start::Running(plan.size)).await?;
    let calm = Arc::new(AtomicBool::new(true));
    let samples = Samples::default();
    let sampling = sample(&rig, &calm, &samples)?;
    go_on(&mut rig, &mut rng, plan.lasts, &calm).await?;
    sampling.abort();
    let samples = std::mem::take(&mut *samples.lock().unwrap_or_else(PoisonError::into_inner));
    write(&samples, &tools.folder.join("soak-usage.csv"))?;
    let mut grown = Vec::new();
    for (number, samples) in (1..).zip(samples) {
        for figure in figures(number, &samples) {
            let grows = figure.is_growth(plan.lasts);
            grown.extend(grows.then(|| figure.figure.to_string()));
            rig.figure(figure.figure);
        }
    }
    let mut report = conclude(rig, name, Some(plan.seed), tools).await?;
    report.failed = (!grown.is_empty()).then(|| grown.join("; "));
    Ok(report)
}

/// For whoever wants to see the curves.
fn write(samples: &[Vec<Sample>], path: &Path) -> anyhow::Result<()> {
    let mut text = "server,seconds,calm,bytes,descriptors,threads\n".to_owned();
    for (number, samples) in (1..).zip(samples) {
        for Sample {
            seconds,
            calm,
            usage,
        } in samples
        {
            let Usage {
                memory,
                descriptors,
                threads,
                ..
            } = usage;
            text += &format!("{number},{seconds:.0},{calm},{memory},{descriptors},{threads}\n");
        }
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// A commit each second, and a fault now and then.
async fn go_on(
    rig: &mut Rig,
    rng: &mut Rng,
    lasts: Duration,
    calm: &AtomicBool,
) -> anyhow::Result<()> {
    let until = Instant::now() + lasts;
    let mut ticks = tokio::time::interval(SECOND);
    let mut fault = None;
    let mut tick = 0_u32;
    while Instant::now() < until {
        ticks.tick().await;
        let moment = tick % EACH;
        if moment == AFTER {
            let begun = Fault::choose_passing(rng, rig.servers.len());
            calm.store(false, Ordering::SeqCst);
            begun.begin(rig).await?;
            fault = Some(begun);
        } else if moment == AFTER + LASTS
            && let Some(over) = fault.take()
        {
            over.end(rig).await?;
        } else if moment == 0 {
            calm.store(fault.is_none(), Ordering::SeqCst);
        }
        plan::push(rig, rng).await?;
        tick += 1;
    }
    match fault {
        Some(over) => over.end(rig).await,
        None => Ok(()),
    }
}

/// Looks at every server each second.
fn sample(rig: &Rig, calm: &Arc<AtomicBool>, samples: &Samples) -> anyhow::Result<JoinHandle<()>> {
    let servers = rig.servers.iter().map(Server::watch);
    let servers = servers.collect::<anyhow::Result<Vec<_>>>()?;
    let (calm, samples) = (Arc::clone(calm), Arc::clone(samples));
    Ok(tokio::spawn(async move {
        let began = Instant::now();
        let mut ticks = tokio::time::interval(SECOND);
        loop {
            ticks.tick().await;
            let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.resize(servers.len(), Vec::new());
            for (watch, samples) in servers.iter().zip(samples.iter_mut()) {
                let Ok(usage) = watch.usage() else { continue };
                samples.push(Sample {
                    seconds: began.elapsed().as_secs_f64(),
                    calm: calm.load(Ordering::SeqCst),
                    usage,
                });
            }
        }
    }))
}

/// A figure that may not be above a bound.
struct Bounded {
    figure: Figure,
    bound: f64,
    /// Whether it is meant for ten minutes.
    is_slope: bool,
}

impl Bounded {
    fn is_growth(&self, lasts: Duration) -> bool {
        let is_judged = !self.is_slope || lasts >= JUDGED;
        is_judged && self.figure.value > self.bound
    }
}

fn figures(server: usize, samples: &[Sample]) -> Vec<Bounded> {
    let end = samples.last().map_or(0.0, |last| last.seconds);
    let warm: Vec<_> = samples
        .iter()
        .filter(|sample| sample.seconds >= end * WARM_UP)
        .copied()
        .collect();
    let memory: Vec<_> = warm
        .iter()
        .map(|sample| (sample.seconds, sample.usage.memory as f64))
        .collect();
    let slope = slope(&memory) * 600.0 / f64::from(1 << 20);
    let more = |of: fn(&Usage) -> usize| growth(&warm, of).unwrap_or_default();
    let bounded = |what: &str, value, unit: &str, bound, is_slope| Bounded {
        figure: Figure::new(format!("server {server}: {what}"), value, unit),
        bound,
        is_slope,
    };
    let last = memory.last().map_or(0.0, |last| last.1) / f64::from(1 << 20);
    vec![
        bounded("memory at the end", last, "MiB", f64::INFINITY, false),
        bounded("growth of memory", slope, "MiB in 10 min", STEEPEST, true),
        bounded(
            "descriptors more",
            more(|usage| usage.descriptors),
            "",
            SPARE,
            false,
        ),
        bounded(
            "threads more",
            more(|usage| usage.threads),
            "",
            SPARE,
            false,
        ),
    ]
}

/// From the median of the first tenth to that of the last one, when nothing fails.
fn growth(samples: &[Sample], of: fn(&Usage) -> usize) -> Option<f64> {
    let calm: Vec<_> = samples.iter().filter(|sample| sample.calm).collect();
    let tenth = calm.len().div_ceil(10);
    let median = |samples: &[&Sample]| {
        let mut values: Vec<_> = samples
            .iter()
            .map(|sample| of(&sample.usage) as f64)
            .collect();
        percentile(&mut values, 50.0)
    };
    let (first, last) = (calm.get(..tenth)?, calm.get(calm.len() - tenth..)?);
    Some(median(last)? - median(first)?)
}

/// Of the line that fits best, in units of the second for one of the first.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points
        .iter()
        .map(|point| (point.0 - x) * (point.1 - y))
        .sum();
    let below: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if below == 0.0 { 0.0 } else { above / below }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(f64) -> f64, descriptors: impl Fn(usize) -> usize) -> Vec<Sample> {
        let sample = |at: usize| Sample {
            seconds: at as f64,
            calm: at.is_multiple_of(3),
            usage: Usage {
                memory: memory(at as f64) as u64,
                descriptors: descriptors(at),
                threads: 9,
                busy: 0.0,
            },
        };
        (0..1_000).map(sample).collect()
    }

    fn grown(samples: &[Sample]) -> Vec<String> {
        let figures = figures(1, samples).into_iter();
        let grown = figures.filter(|figure| figure.is_growth(JUDGED));
        grown.map(|figure| figure.figure.what).collect()
    }

    #[test]
    fn a_leak_is_found_and_a_warm_up_is_none() {
        let mib = f64::from(1 << 20);
        // It is filled within the first hundred seconds.
        let warm = samples(|at| 50.0 * mib + at.min(90.0) * mib, |_| 30);
        assert_eq!(grown(&warm), Vec::<String>::new());
        let leak = samples(|at| 50.0 * mib + at * mib / 300.0, |_| 30);
        assert_eq!(grown(&leak), ["server 1: growth of memory"]);
    }

    #[test]
    fn what_is_open_during_a_fault_is_no_growth() {
        let busy = samples(
            |_| 5e7,
            |at| if at.is_multiple_of(3) { 30 } else { 30 + at },
        );
        assert_eq!(grown(&busy), Vec::<String>::new());
        let leak = samples(|_| 5e7, |at| 30 + at / 100);
        assert_eq!(grown(&leak), ["server 1: descriptors more"]);
    }
}
