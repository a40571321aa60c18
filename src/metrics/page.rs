use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::{Metric, Registry},
};

use super::{
    buckets::SECONDS,
    description::{self, Description, Kind},
    text::{Form, without_openmetrics},
};

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, Box<str>)>;

/// What one scrape is given.
#[derive(Debug, Default)]
pub(crate) struct Page(Vec<(&'static Description, Content)>);

/// The series of a metric.
#[derive(Debug)]
enum Content {
    Family(Box<dyn Metric>),
    Gauges(Vec<(Labels, f64)>),
    Counters(Vec<(Labels, u64)>),
    Seconds(Vec<(Labels, f64)>),
    Histograms(Vec<(Labels, Durations)>),
}

/// How many durations fell below which bound, and all of them together.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations {
    pub(super) seconds: f64,
    /// One for each of [`SECONDS`], and one for what is longer.
    pub(super) buckets: Vec<u64>,
}

/// The labels of a metric with these values.
pub(super) fn labels(what: &Description, values: &[&str]) -> Labels {
    debug_assert_eq!(what.labels.len(), values.len(), "{}", what.name);
    let names = what.labels.iter().copied();
    names
        .zip(values.iter().map(|value| (*value).into()))
        .collect()
}

impl Page {
    /// A gauge with these values of its labels.
    pub(crate) fn gauge(&mut self, what: &'static Description, values: &[&str], value: f64) {
        let series = (labels(what, values), value);
        match self.content(what) {
            Some(Content::Gauges(all)) => all.push(series),
            _ => self.0.push((what, Content::Gauges(vec![series]))),
        }
    }

    /// The same of a counter that somebody else keeps.
    pub(crate) fn counter(&mut self, what: &'static Description, values: &[&str], value: u64) {
        let series = (labels(what, values), value);
        match self.content(what) {
            Some(Content::Counters(all)) => all.push(series),
            _ => self.0.push((what, Content::Counters(vec![series]))),
        }
    }

    /// The same of one that counts seconds and parts of them.
    pub(super) fn seconds(&mut self, what: &'static Description, values: &[&str], value: f64) {
        let series = (labels(what, values), value);
        match self.content(what) {
            Some(Content::Seconds(all)) => all.push(series),
            _ => self.0.push((what, Content::Seconds(vec![series]))),
        }
    }

    pub(super) fn durations(
        &mut self,
        what: &'static Description,
        values: &[&str],
        durations: Durations,
    ) {
        let series = (labels(what, values), durations);
        match self.content(what) {
            Some(Content::Histograms(all)) => all.push(series),
            _ => self.0.push((what, Content::Histograms(vec![series]))),
        }
    }

    pub(super) fn family(&mut self, what: &'static Description, family: impl Metric) {
        self.0.push((what, Content::Family(Box::new(family))));
    }

    fn content(&mut self, what: &Description) -> Option<&mut Content> {
        let mut all = self.0.iter_mut();
        all.find(|(known, _)| known.name == what.name)
            .map(|(_, content)| content)
    }

    /// The page as text.
    pub(crate) fn written(mut self, form: Form) -> String {
        let place = |what: &Description| {
            let mut all = description::ALL.iter();
            all.position(|known| known.name == what.name)
        };
        self.0.sort_by_key(|(what, _)| place(what));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut written = String::new();
        // A string takes whatever is written to it.
        _ = text::encode(&mut written, &registry);
        match form {
            Form::OpenMetrics => written,
            Form::Plain => without_openmetrics(&written),
        }
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (what, content) in &self.0 {
            if content.is_empty() {
                continue;
            }
            // It adds the end of a counter's name itself.
            let name = what.name.strip_suffix("_total").unwrap_or(what.name);
            let mut encoder =
                encoder.encode_descriptor(name, what.help, None, what.metric_type())?;
            match content {
                Content::Family(family) => family.encode(encoder)?,
                Content::Gauges(all) => {
                    for (labels, value) in all {
                        if labels.is_empty() {
                            encoder.encode_gauge(value)?;
                        } else {
                            encoder.encode_family(labels)?.encode_gauge(value)?;
                        }
                    }
                }
                Content::Counters(all) => {
                    for (labels, value) in all {
                        let mut series = encoder.encode_family(labels)?;
                        series.encode_counter::<NoLabelSet, _, u64>(value, None)?;
                    }
                }
                Content::Seconds(all) => {
                    for (labels, value) in all {
                        if labels.is_empty() {
                            encoder.encode_counter::<NoLabelSet, _, f64>(value, None)?;
                        } else {
                            let mut series = encoder.encode_family(labels)?;
                            series.encode_counter::<NoLabelSet, _, f64>(value, None)?;
                        }
                    }
                }
                Content::Histograms(all) => {
                    for (labels, durations) in all {
                        let mut series = encoder.encode_family(labels)?;
                        let (seconds, count) = (durations.seconds, durations.count());
                        let buckets = durations.bounded();
                        series.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Content {
    /// A metric that has no series is not named either.
    fn is_empty(&self) -> bool {
        match self {
            Self::Family(family) => family.is_empty(),
            Self::Gauges(all) => all.is_empty(),
            Self::Counters(all) => all.is_empty(),
            Self::Seconds(all) => all.is_empty(),
            Self::Histograms(all) => all.is_empty(),
        }
    }
}

impl Description {
    fn metric_type(&self) -> MetricType {
        match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        }
    }
}

impl Durations {
    fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn bounded(&self) -> Vec<(f64, u64)> {
        let bounds = SECONDS.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.buckets.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let mut page = Page::default();
        page.counter(&description::UNMATCHED, &["label"], 3);
        page.gauge(&description::READY, &[], 1.0);
        let help = ["a\"b\\c\nd", "x", "y"];
        page.gauge(&description::SNAPSHOT_INFO, &help, 1.0);
        page
    }

    #[test]
    fn a_page_is_written_for_both_sorts_of_readers() {
        let info =
            "confbus_snapshot_info{repository=\"a\\\"b\\\\c\\nd\",label=\"x\",commit=\"y\"} 1.0\n";
        let written = page().written(Form::OpenMetrics);
        assert!(written.starts_with("# HELP confbus_ready "), "{written}");
        assert!(written.contains("# TYPE confbus_unmatched_requests counter\n"));
        assert!(written.contains("confbus_unmatched_requests_total{reason=\"label\"} 3\n"));
        assert!(written.contains(info), "{written}");
        assert!(written.ends_with("# EOF\n"));
        let written = page().written(Form::Plain);
        assert!(written.contains("# TYPE confbus_unmatched_requests_total counter\n"));
        assert!(written.contains("# HELP confbus_unmatched_requests_total Requests "));
        assert!(
            written.contains(info) && !written.contains("EOF"),
            "{written}"
        );
    }

    #[test]
    fn series_of_one_metric_stand_together() {
        let mut page = page();
        page.counter(&description::UNMATCHED, &["profile"], 1);
        let written = page.written(Form::Plain);
        let at = |text| written.find(text).unwrap();
        assert!(
            at("\"profile\"") > at("\"label\"") && at("\"profile\"") < at("confbus_snapshot_info")
        );
        assert_eq!(written.matches("# TYPE confbus_unmatched").count(), 1);
    }
}
