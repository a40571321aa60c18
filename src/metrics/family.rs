//! Counters and histograms of what is no read, with prometheus-client's own locks.

use prometheus_client::metrics::{
    counter::Counter,
    family::{Family, MetricConstructor},
    histogram::Histogram,
};

use super::{
    buckets::SECONDS,
    description::Description,
    page::{Labels, Page, labels},
};

/// Counters of one metric, by its labels.
#[derive(Clone)]
pub(super) struct Counters {
    what: &'static Description,
    family: Family<Labels, Counter>,
}

/// Histograms of one metric, by its labels.
#[derive(Clone)]
pub(super) struct Histograms {
    what: &'static Description,
    family: Family<Labels, Histogram, Bounds>,
}

/// Upper bounds of the buckets.
#[derive(Debug, Clone, Copy)]
struct Bounds(&'static [f64]);

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

impl Counters {
    pub(super) fn of(what: &'static Description) -> Self {
        Self {
            what,
            family: Family::default(),
        }
    }

    /// Adds to the counter with these values of its labels.
    pub(super) fn add(&self, values: &[&str], count: u64) {
        let labels = labels(self.what, values);
        self.family.get_or_create(&labels).inc_by(count);
    }

    pub(super) fn write(&self, page: &mut Page) {
        page.family(self.what, self.family.clone());
    }
}

impl Histograms {
    /// Of durations.
    pub(super) fn of(what: &'static Description) -> Self {
        Self::with(what, &SECONDS)
    }

    pub(super) fn with(what: &'static Description, bounds: &'static [f64]) -> Self {
        Self {
            what,
            family: Family::new_with_constructor(Bounds(bounds)),
        }
    }

    /// Notes a value of the histogram with these values of its labels.
    pub(super) fn note(&self, values: &[&str], value: f64) {
        let labels = labels(self.what, values);
        self.family.get_or_create(&labels).observe(value);
    }

    pub(super) fn write(&self, page: &mut Page) {
        page.family(self.what, self.family.clone());
    }
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what.name)
    }
}

impl std::fmt::Debug for Histograms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what.name)
    }
}
