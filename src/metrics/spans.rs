use super::{description::TRACE_SPANS, family::Counters, page::Page};

/// What became of spans.
#[derive(Debug, Clone)]
pub(crate) struct Spans(Counters);

impl Default for Spans {
    fn default() -> Self {
        Self(Counters::of(&TRACE_SPANS))
    }
}

impl Spans {
    /// The collector took them.
    pub(crate) fn sent(&self, spans: usize) {
        self.add("sent", spans);
    }

    /// It did not.
    pub(crate) fn failed(&self, spans: usize) {
        self.add("failed", spans);
    }

    /// There was no room to wait in.
    pub(crate) fn dropped(&self, spans: usize) {
        self.add("dropped", spans);
    }

    fn add(&self, result: &str, spans: usize) {
        if spans > 0 {
            self.0.add(&[result], spans as u64);
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.0.write(page);
    }
}
