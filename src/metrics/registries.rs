use super::{description::REGISTRY_REQUESTS, family::Counters, page::Page};

/// What registries were told.
#[derive(Debug, Clone)]
pub(crate) struct Registries(Counters);

impl Default for Registries {
    fn default() -> Self {
        Self(Counters::of(&REGISTRY_REQUESTS))
    }
}

impl Registries {
    /// A registry was told something, or was not.
    pub(crate) fn told(&self, registry: &'static str, request: &'static str, is_taken: bool) {
        let result = if is_taken { "ok" } else { "failed" };
        self.0.add(&[registry, request, result], 1);
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.0.write(page);
    }
}
